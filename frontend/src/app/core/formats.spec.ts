import {
  age,
  bytes,
  count,
  fileName,
  moment,
  percent,
  rate,
  seconds,
  short,
  words,
} from './formats';

describe('formats', () => {
  it('shows numbers', () => {
    expect([count(1234567), short(1234567), rate(1500), percent(0.00123)]).toEqual([
      '1,234,567',
      '1.2M',
      '1.5K rows/s',
      '0.12%',
    ]);
  });

  it('shows sizes in IEC units', () => {
    expect([0, 1, 1023, 1024, 1536, 1024 ** 3, 5 * 1024 ** 5].map(bytes)).toEqual([
      '0 B',
      '1 B',
      '1,020 B',
      '1 KiB',
      '1.5 KiB',
      '1 GiB',
      '5 PiB',
    ]);
  });

  it('shows lengths of time in at most two units', () => {
    expect([0.0123, 3.456, 42.4, 61, 3725, 200_000].map(seconds)).toEqual([
      '12 ms',
      '3.5 s',
      '42 s',
      '1 min 1 s',
      '1 h 2 min',
      '2 d 7 h',
    ]);
  });

  it('shows a dash for what is not known', () => {
    expect([count, short, bytes, seconds, percent, rate].map((format) => format(null))).toEqual(
      Array(6).fill('–'),
    );
    expect([fileName(null), words(undefined)]).toEqual(['–', '–']);
  });

  it('shows moments in the zone that was chosen, marked where it is UTC', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');

    expect(moment(at, 'UTC')).toBe('2026-01-02 03:04:05Z');
    expect(moment(at, 'Asia/Tokyo')).toBe('2026-01-02 12:04:05');
  });

  it('shows ages', () => {
    const now = Date.parse('2026-01-02T00:00:00Z');
    const ages = ['2026-01-01T23:59:58Z', '2026-01-01T23:58:30Z', '2025-12-30T00:00:00Z'].map(
      (text) => age(new Date(text), now),
    );

    expect(ages).toEqual(['now', '1 min ago', '3 d ago']);
    expect(age(new Date('2026-01-02T01:00:00Z'), now)).toBe('in 1 h');
  });

  it('shows the last part of a place', () => {
    expect(['s3://b/x/a.csv', 'a.csv', '/data/day/'].map(fileName)).toEqual([
      'a.csv',
      'a.csv',
      'day/',
    ]);
  });
});
