import type { FileDetail } from '../../api/types.gen';
import { bytes, count } from '../../core/formats';
import { grouped, subtract } from './decimals';

/** One thing of two deliveries of a file. `at`: both are moments. */
export interface Comparison {
  readonly name: string;
  readonly before: string;
  readonly now: string;
  /** Empty: they are the same. */
  readonly change: string;
  readonly isMoment?: boolean;
}

/** What two deliveries of a file have of counts, sums and times. */
export function compare(before: FileDetail, now: FileDetail): readonly Comparison[] {
  return [
    ...counts(before, now),
    ...totals(before, now),
    moment('First event', before.file.event_time_min, now.file.event_time_min),
    moment('Last event', before.file.event_time_max, now.file.event_time_max),
  ];
}

/** How the header has changed, in words; empty: it has not. */
export function headerChanges(
  before: readonly string[] | null,
  now: readonly string[] | null,
): readonly string[] {
  if (!before || !now) return [];
  const added = now.filter((name) => !before.includes(name)).map((name) => `${name} is new`);
  const removed = before.filter((name) => !now.includes(name)).map((name) => `${name} is gone`);
  const changes = [...added, ...removed];
  if (!changes.length && before.join('\n') !== now.join('\n'))
    return ['the columns are in another order'];
  return changes;
}

function counts(before: FileDetail, now: FileDetail): readonly Comparison[] {
  const of = (
    name: string,
    pick: (detail: FileDetail) => number,
    shown: (value: number) => string,
  ): Comparison => {
    const difference = pick(now) - pick(before);
    const sign = difference > 0 ? '+' : '−';
    return {
      name,
      before: shown(pick(before)),
      now: shown(pick(now)),
      change: difference === 0 ? '' : sign + shown(Math.abs(difference)),
    };
  };
  return [
    of('Size', ({ file }) => file.size_bytes, bytes),
    of('Rows read', ({ file }) => file.rows_read, count),
    of('Loaded', ({ file }) => file.rows_loaded, count),
    of('Duplicate', ({ file }) => file.rows_duplicate, count),
    of('Rejected', ({ file }) => file.rows_rejected, count),
  ];
}

function totals(before: FileDetail, now: FileDetail): readonly Comparison[] {
  const columns = new Set([
    ...Object.keys(before.control_totals),
    ...Object.keys(now.control_totals),
  ]);
  return [...columns].map((column) => {
    const old = before.control_totals[column];
    const fresh = now.control_totals[column];
    return {
      name: `Sum of ${column}`,
      before: old === undefined ? '–' : grouped(old),
      now: fresh === undefined ? '–' : grouped(fresh),
      change: old === undefined || fresh === undefined ? 'only one has it' : difference(old, fresh),
    };
  });
}

function difference(before: string, now: string): string {
  const change = subtract(now, before);
  if (change === '0') return '';
  return change.startsWith('-') ? `−${grouped(change.slice(1))}` : `+${grouped(change)}`;
}

function moment(name: string, before: string | null, now: string | null): Comparison {
  const change =
    before === now
      ? ''
      : before === null || now === null
        ? 'only one has it'
        : now < before
          ? 'earlier'
          : 'later';
  return { name, before: before ?? '', now: now ?? '', change, isMoment: true };
}
