import { FileFilter, FileRow, rowsOf } from './file-rows';
import { move } from './moving';
import { FILE, LOADED, progressOf } from './run.fixtures';

const ALL: FileFilter = { state: [], uri: '', sort: '-file_id' };
const moving = move(undefined, new Map([1, 2].map((id) => [id, progressOf(id)])), 7, 0);
const ids = (rows: readonly FileRow[]): number[] => rows.map((row) => row.file_id);

it('begins with the files that move, each once', () => {
  const listed = [FILE, { ...FILE, file_id: 2, state: 'pending' as const }];

  expect(ids(rowsOf(moving, listed, new Map(), ALL))).toEqual([1, 2, 5]);
});

it('says how a file ended that the list has not read again', () => {
  const before = { ...FILE, state: 'pending' as const, rows_read: 0, rows_loaded: 0 };

  const rows = rowsOf(move(undefined, new Map(), 7, 0), [before], new Map([[5, LOADED]]), ALL);

  expect(rows).toEqual([{ ...FILE, duration_seconds: 2 }]);
});

it.each<[Omit<FileFilter, 'sort'>, number[]]>([
  [{ state: ['failed'], uri: '' }, [5]],
  [{ state: ['pending'], uri: '' }, [1, 2, 5]],
  [{ state: [], uri: 'moving-2' }, [2, 5]],
  [{ state: [], uri: 's3://*-1.csv' }, [1, 5]],
  [{ state: [], uri: '*-?.cs' }, [5]],
])('filters those that move as the API filters the others: %j', (filter, expected) => {
  expect(ids(rowsOf(moving, [FILE], new Map(), { ...ALL, ...filter }))).toEqual(expected);
});

it.each([
  ['uri', [1, 2, 3]],
  ['-uri', [3, 2, 1]],
  ['rows_read', [2, 1, 3]],
  ['-size_bytes', [3, 1, 2]],
  ['-loaded_at', [1, 2, 3]],
])('orders those that move by %s, where that is known of them', (sort, expected) => {
  const sizes: Readonly<Record<number, object>> = {
    1: { size_bytes: 20, rows_read: 5 },
    2: { size_bytes: 10, rows_read: 1 },
    3: { size_bytes: 30, rows_read: 5 },
  };
  const files = new Map([1, 2, 3].map((id) => [id, { ...progressOf(id), ...sizes[id] }]));

  const rows = rowsOf(move(undefined, files, 7, 0), [], new Map(), { ...ALL, sort });

  expect(ids(rows)).toEqual(expected);
});
