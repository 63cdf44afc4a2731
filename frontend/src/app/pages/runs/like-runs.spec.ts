import { sampleRun } from '../../testing/runs';
import { ListedRun, medianOf } from './like-runs';

const took = (
  run_id: number,
  duration_seconds: number,
  changes: Partial<ListedRun> = {},
): ListedRun => ({ ...sampleRun({ run_id, duration_seconds }), ...changes });

it('is the median of like runs before it that succeeded', () => {
  const run = took(9, 99);
  const unlike = [
    took(10, 1000),
    took(8, 1000, { state: 'failed' }),
    took(7, 1000, { target: 'other.table' }),
    took(6, 1000, { contract: 'other' }),
    took(5, 1000, { kind: 'replay' }),
    took(5, 1000, { files_loaded: 0 }),
  ];

  expect(medianOf(run, [run, ...unlike])).toBeNull();
  expect(medianOf(run, [run, ...unlike, took(4, 8), took(3, 2), took(2, 4)])).toBe(4);
  expect(medianOf(run, [run, ...unlike, took(4, 8), took(3, 2), took(2, 4), took(1, 5)])).toBe(4.5);
});

it('is of the last twenty', () => {
  const old = Array.from({ length: 30 }, (_, id) => took(id + 1, 1000));
  const late = Array.from({ length: 20 }, (_, id) => took(id + 31, 7));

  expect(medianOf(took(99, 1), [...old, ...late])).toBe(7);
});

it('is what the API says, where it does', () => {
  expect(medianOf(took(9, 1, { median_duration_seconds: 3 }), [took(8, 5)])).toBe(3);
  expect(medianOf(took(9, 1, { median_duration_seconds: null }), [took(8, 5)])).toBeNull();
});
