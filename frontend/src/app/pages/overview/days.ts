import type { DayCoverage } from '../../api/types.gen';

/** What is said of a day: as the server judges it, or that nothing is expected of it. */
export type DayState = DayCoverage['state'] | 'none';

/** One day of a feed. */
export interface Day {
  readonly date: string;
  readonly state: DayState;
  readonly rows: number;
  readonly files: number;
}

const MS_A_DAY = 86_400_000;

/** Each day of a span of time, both ends included. */
export function daysOf(known: readonly DayCoverage[], first: string, last: string): readonly Day[] {
  const byDate = new Map<string, Day>(known.map((day) => [day.date, day]));
  const days: Day[] = [];
  for (let date = first; date <= last; date = dayAfter(date, 1)) {
    days.push(byDate.get(date) ?? { date, state: 'none', rows: 0, files: 0 });
  }
  return days;
}

/** The day of a moment, in UTC. */
export function dayOf(moment: string): string {
  return new Date(moment).toISOString().slice(0, 10);
}

/** The day so many days after another. */
export function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(date) + days * MS_A_DAY).toISOString().slice(0, 10);
}

/** The Monday of a day's week. */
export function mondayOf(date: string): string {
  return dayAfter(date, -((new Date(date).getUTCDay() + 6) % 7));
}
