import { dayAfter, dayOf, daysOf, mondayOf } from './days';

describe('daysOf', () => {
  it('has each day of the span once, whatever is known of it', () => {
    const known = [{ date: '2024-02-29', state: 'partial' as const, rows: 3, files: 1 }];

    expect(daysOf(known, '2024-02-28', '2024-03-01')).toEqual([
      { date: '2024-02-28', state: 'none', rows: 0, files: 0 },
      { date: '2024-02-29', state: 'partial', rows: 3, files: 1 },
      { date: '2024-03-01', state: 'none', rows: 0, files: 0 },
    ]);
    expect(daysOf(known, '2024-03-02', '2024-03-01')).toEqual([]);
  });
});

describe('days', () => {
  it('are of UTC', () => {
    expect(dayOf('2024-01-01T00:30:00+01:00')).toBe('2023-12-31');
    expect(dayAfter('2024-03-30', 2)).toBe('2024-04-01');
  });

  it.each([
    ['2024-01-01', '2024-01-01'],
    ['2024-01-07', '2024-01-01'],
    ['2024-01-10', '2024-01-08'],
  ])('%s is in the week of Monday %s', (day, monday) => {
    expect(mondayOf(day)).toBe(monday);
  });
});
