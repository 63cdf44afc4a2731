import { Moving, move, secondsLeft } from './moving';
import { progressOf } from './run.fixtures';

const mapOf = (...items: ReturnType<typeof progressOf>[]): Map<number, (typeof items)[number]> =>
  new Map(items.map((item) => [item.file_id, item]));

function only(moving: Moving): Moving['files'][number] {
  const [file] = moving.files;
  if (!file) throw new Error('nothing moves');
  return file;
}

it('sums the files of the run and leaves those of others out', () => {
  const progress = mapOf(progressOf(1), progressOf(2), progressOf(3, { run_id: 8 }));

  const moving = move(undefined, progress, 7, 0);

  expect({
    ...moving,
    files: moving.files.map((file) => file.file_id),
    byId: moving.byId.size,
  }).toEqual({
    run_id: 7,
    files: [1, 2],
    byId: 2,
    rows: 50,
    bytes: 1024,
    rejected: 2,
    rowsPerSecond: 0,
  });
});

it('knows the speed of a file that it has seen twice, and when it ends', () => {
  const first = move(undefined, mapOf(progressOf(1)), 7, 10_000);
  expect([only(first).rowsPerSecond, secondsLeft(only(first))]).toEqual([undefined, undefined]);

  const later = progressOf(1, { rows_read: 75, bytes_read: 1536 });
  const second = move(first, mapOf(later), 7, 12_000);

  expect([only(second).rowsPerSecond, secondsLeft(only(second)), second.rowsPerSecond]).toEqual([
    25, 1, 25,
  ]);
});

it('follows a change of speed slowly', () => {
  const first = move(undefined, mapOf(progressOf(1, { rows_read: 0 })), 7, 0);
  const second = move(first, mapOf(progressOf(1, { rows_read: 100 })), 7, 1000);
  const third = move(second, mapOf(progressOf(1, { rows_read: 300 })), 7, 2000);

  expect(only(third).rowsPerSecond).toBeCloseTo(100 + 100 * (1 - Math.exp(-1 / 5)));
});

it('keeps the object of a file of which nothing new was heard', () => {
  const same = progressOf(1);
  const first = move(undefined, mapOf(same, progressOf(2)), 7, 0);
  const second = move(first, mapOf(same, progressOf(2, { rows_read: 30 })), 7, 200);

  expect(second.files.map((file, index) => file === first.files[index])).toEqual([true, false]);
});

it('measures anew a file that begins again, and in another run', () => {
  const first = move(undefined, mapOf(progressOf(1)), 7, 0);
  const second = move(first, mapOf(progressOf(1, { rows_read: 30 })), 7, 1000);
  const again = move(second, mapOf(progressOf(1, { rows_read: 2 })), 7, 2000);
  const other = move(second, mapOf(progressOf(1, { run_id: 8, rows_read: 40 })), 8, 2000);

  expect([only(second), only(again), only(other)].map((file) => file.rowsPerSecond)).toEqual([
    5,
    undefined,
    undefined,
  ]);
});
