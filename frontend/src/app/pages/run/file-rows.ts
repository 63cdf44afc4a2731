import type { EventKind, File, LiveEvent } from '../../api/types.gen';
import type { Moving, MovingFile } from './moving';

export type FileRow = MovingFile | File;

export interface FileFilter {
  readonly state: readonly string[];
  readonly uri: string;
  /** A name of a column, with a minus before it for the largest first. */
  readonly sort: string;
}

/** What files that move can be ordered by; by all else they stand in the order in which they began. */
const KEYS: Readonly<Record<string, (file: MovingFile) => number | string>> = {
  uri: ({ progress }) => progress.uri ?? '',
  size_bytes: ({ progress }) => progress.size_bytes,
  rows_read: ({ progress }) => progress.rows_read,
  rows_rejected: ({ progress }) => progress.rows_rejected,
};

const ENDINGS: Readonly<Partial<Record<EventKind, File['state']>>> = {
  file_loaded: 'loaded',
  file_failed: 'failed',
  file_skipped: 'skipped',
};

/** The state in which an event leaves a file; undefined: it does not end its loading. */
export function endingOf(event: LiveEvent): File['state'] | undefined {
  return event.file_id === null ? undefined : ENDINGS[event.event];
}

/** The rows of the file table: those that move first, then the listed ones as they stand now; both in order. */
export function rowsOf(
  moving: Moving,
  listed: readonly File[],
  endings: ReadonlyMap<number, LiveEvent>,
  filter: FileFilter,
): readonly FileRow[] {
  const rows: FileRow[] = [];
  if (!filter.state.length || filter.state.includes('pending')) {
    const fits = uriFilter(filter.uri);
    rows.push(
      ...ordered(moving.files, filter.sort).filter(({ progress }) => fits(progress.uri ?? '')),
    );
  }
  for (const file of listed) {
    if (moving.byId.has(file.file_id)) continue;
    const ending = file.state === 'pending' ? endings.get(file.file_id) : undefined;
    rows.push(ending ? ended(file, ending) : file);
  }
  return rows;
}

function ordered(files: readonly MovingFile[], sort: string): readonly MovingFile[] {
  const key = KEYS[sort.replace(/^-/, '')];
  if (!key) return files;
  const sign = sort.startsWith('-') ? -1 : 1;
  return [...files].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    return a < b ? -sign : a > b ? sign : one.file_id - other.file_id;
  });
}

/** As the API filters: `*` and `?` are wildcards; without one, any part of a URI. */
function uriFilter(pattern: string): (uri: string) => boolean {
  if (!pattern) return () => true;
  if (!/[*?]/.test(pattern)) return (uri) => uri.includes(pattern);
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const expression = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
  return (uri) => expression.test(uri);
}

function ended(file: File, event: LiveEvent): File {
  const { detail } = event;
  const number = (name: string, otherwise: number): number => {
    const value = detail[name];
    return typeof value === 'number' ? value : otherwise;
  };
  return {
    ...file,
    state: endingOf(event) ?? file.state,
    rows_read: number('rows_read', file.rows_read),
    rows_loaded: number('rows_loaded', file.rows_loaded),
    rows_duplicate: number('rows_duplicate', file.rows_duplicate),
    rows_rejected: number('rows_rejected', file.rows_rejected),
    duration_seconds: number('duration_seconds', file.duration_seconds ?? 0),
  };
}
