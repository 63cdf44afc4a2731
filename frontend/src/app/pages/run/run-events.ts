import { inject } from '@angular/core';
import { Observable, auditTime, buffer, filter } from 'rxjs';
import type { EventKind, LedgerEvent, LiveEvent } from '../../api/types.gen';
import { bytes, count, seconds, words } from '../../core/formats';
import { Live } from '../../core/live';

/** All kinds that a run may have. */
export const RUN_EVENT_KINDS: readonly EventKind[] = [
  'run_started',
  'run_planned',
  'run_ended',
  'run_abandoned',
  'file_loaded',
  'file_skipped',
  'file_failed',
  'file_archived',
  'archive_failed',
  'file_handed_over',
  'file_withdrawn',
  'handover_failed',
  'file_rolled_back',
  'rejects_replayed',
  'target_created',
];

/** Events as they happen, those of one moment together: many files may end at once; in an injection context. */
export function eventBatches(
  concerns: (event: LiveEvent) => boolean,
): Observable<readonly LiveEvent[]> {
  const events = inject(Live).events.pipe(filter(concerns));
  return events.pipe(buffer(events.pipe(auditTime(0))));
}

const UNITS: Readonly<Record<string, (value: number) => string>> = {
  bytes_planned: (value) => `${bytes(value)} planned`,
  bytes_read: (value) => `${bytes(value)} read`,
  size_bytes: bytes,
  duration_seconds: seconds,
};
const LEFT_OUT: readonly string[] = ['uri', 'kind', 'error', 'reason', 'bytes_read'];

/** What an event says, in words: `2,624 rows read, 2,585 rows loaded, 10 rows rejected, 41 ms`. */
export function eventText(event: Pick<LedgerEvent, 'detail'>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(event.detail)) {
    const text = LEFT_OUT.includes(name) ? '' : detailText(name, value);
    if (text) parts.push(text);
  }
  const error = event.detail['error'];
  const reason = event.detail['reason'];
  if (isError(error)) parts.unshift(`${error.code}: ${error.message}`);
  else if (typeof reason === 'string') parts.unshift(words(reason));
  return parts.join(', ');
}

function detailText(name: string, value: unknown): string {
  if (typeof value === 'number') {
    if (name in UNITS) return UNITS[name]?.(value) ?? '';
    const [what = name, how = ''] = name.split('_');
    return value === 0 ? '' : `${count(value)} ${[what, how].join(' ').trim()}`;
  }
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value !== 'string') return '';
  return name === 'state' ? words(value) : value;
}

function isError(value: unknown): value is { code: string; message: string } {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}
