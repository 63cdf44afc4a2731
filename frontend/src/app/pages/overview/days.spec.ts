import type { DayCoverage } from '../../api/types.gen';
import { daysOf } from './days';

/** Mondays of four weeks with 100 rows each; the fifth is given. */
const MONDAYS: readonly DayCoverage[] = [
  '2024-01-01',
  '2024-01-08',
  '2024-01-15',
  '2024-01-22',
].map((date) => ({ date, files: 1, rows: 100 }));
const stateOf = (days: readonly DayCoverage[], date: string): string | undefined =>
  daysOf(days, new Date(date), new Date(date))[0]?.state;

describe('daysOf', () => {
  it('has each day of the span once', () => {
    const days = daysOf(MONDAYS, new Date('2024-01-21'), new Date('2024-01-23'));

    expect(days).toEqual([
      { date: '2024-01-21', state: 'none', rows: 0, files: 0 },
      { date: '2024-01-22', state: 'loaded', rows: 100, files: 1 },
      { date: '2024-01-23', state: 'none', rows: 0, files: 0 },
    ]);
  });

  it.each([
    ['loaded', 50],
    ['partial', 49],
  ])('calls a usual day %s with %d rows', (state, rows) => {
    const days = [...MONDAYS, { date: '2024-01-29', files: 1, rows }];
    expect(stateOf(days, '2024-01-29')).toBe(state);
  });

  it('calls a usual day without rows missing, but late after the newest day', () => {
    const tuesday = { date: '2024-01-30', files: 1, rows: 1 };

    expect(stateOf(MONDAYS, '2024-01-29')).toBe('late');
    expect(stateOf([...MONDAYS, tuesday], '2024-01-29')).toBe('missing');
  });

  it('expects nothing of a weekday that had rows in one week only', () => {
    expect(stateOf(MONDAYS.slice(0, 1), '2024-01-08')).toBe('none');
  });
});
