import type { DayCoverage } from '../../api/types.gen';
import { median } from './usual';

export type DayState = 'loaded' | 'partial' | 'missing' | 'late' | 'none';

/** One day of a feed. */
export interface Day {
  readonly date: string;
  readonly state: DayState;
  readonly rows: number;
  readonly files: number;
}

const MS_A_DAY = 86_400_000;
const WEEKS_ASKED = 4;
const WEEKS_NEEDED = 2;
const PARTIAL_BELOW = 0.5;

/**
 * Each day of a span of time.
 *
 * Missing is a day without rows whose weekday had rows in at least two of the four weeks before; partial one with less
 * than half of the median of those. What would be missing after the newest day with rows is late: it may still come.
 * What a feed never has, such as weekends, is not asked for.
 */
export function daysOf(covered: readonly DayCoverage[], first: Date, last: Date): readonly Day[] {
  const byDate = new Map(covered.map((day) => [day.date, day]));
  const newest = covered.reduce(
    (date, day) => (day.rows > 0 && day.date > date ? day.date : date),
    '',
  );
  const days: Day[] = [];
  for (let time = first.getTime(); time <= last.getTime(); time += MS_A_DAY) {
    const date = isoDate(time);
    const found = byDate.get(date);
    const before = Array.from({ length: WEEKS_ASKED }, (_, week) => {
      return byDate.get(isoDate(time - 7 * (week + 1) * MS_A_DAY))?.rows ?? 0;
    }).filter((rows) => rows > 0);
    const isUsual = before.length >= WEEKS_NEEDED;
    const rows = found?.rows ?? 0;
    const state: DayState = !rows
      ? isUsual
        ? date > newest
          ? 'late'
          : 'missing'
        : 'none'
      : isUsual && rows < PARTIAL_BELOW * median(before)
        ? 'partial'
        : 'loaded';
    days.push({ date, state, rows, files: found?.files ?? 0 });
  }
  return days;
}

/** The day of a moment, in UTC. */
export function isoDate(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
