import type { Run } from '../../api/types.gen';
import { sampleRun } from '../../testing/runs';
import { median, usualGapSeconds, usualRejectRatio, usualSpeed } from './usual';

const FEED = { target: 'public.trade_event', contract: 'trade_event' };
const ended = (run_id: number, ended_at: string, changes: Partial<Run> = {}): Run =>
  sampleRun({ run_id, ended_at, ...changes });

const DAILY = [
  ended(4, '2024-01-04T06:00:00Z'),
  ended(3, '2024-01-03T06:00:00Z'),
  ended(2, '2024-01-02T06:00:00Z'),
  ended(1, '2024-01-01T06:00:00Z'),
];

describe('usualGapSeconds', () => {
  it('is the median of the gaps of a feed', () => {
    expect(usualGapSeconds(DAILY, FEED)).toBe(86_400);
  });

  it('counts neither the runs of a backfill nor those that loaded nothing nor those of others', () => {
    const others = [
      ended(9, '2024-01-04T06:10:00Z'),
      ended(8, '2024-01-04T18:00:00Z', { files_loaded: 0 }),
      ended(7, '2024-01-03T18:00:00Z', { target: 'public.other' }),
    ];
    expect(usualGapSeconds([...others, ...DAILY], FEED)).toBe(86_400);
  });

  it('is not known of few runs', () => {
    expect(usualGapSeconds(DAILY.slice(1), FEED)).toBeUndefined();
  });
});

describe('usualRejectRatio', () => {
  it('is the median of the runs that read rows', () => {
    const runs = [0, 20, 10].map((rows_rejected) => sampleRun({ rows_read: 1000, rows_rejected }));
    expect(usualRejectRatio([...runs, sampleRun({ rows_read: 0 })])).toBe(0.01);
  });

  it('is not known of few runs', () => {
    expect(usualRejectRatio([sampleRun(), sampleRun()])).toBeUndefined();
  });
});

describe('usualSpeed', () => {
  const before = [90, 110, 100].map((rows_per_second, at) =>
    sampleRun({ run_id: at + 1, rows_per_second }),
  );

  it('is the median of earlier runs of about that size', () => {
    const tiny = sampleRun({ run_id: 4, rows_read: 10, rows_per_second: 1 });
    const later = sampleRun({ run_id: 6, rows_per_second: 1 });
    expect(usualSpeed([...before, tiny, later], sampleRun({ run_id: 5 }))).toBe(100);
  });

  it('is not known where no run is like it', () => {
    expect(usualSpeed(before, sampleRun({ run_id: 5, rows_read: 10_000 }))).toBeUndefined();
    expect(usualSpeed(before, sampleRun({ run_id: 5, contract: 'other' }))).toBeUndefined();
  });
});

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[], 0],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });
});
