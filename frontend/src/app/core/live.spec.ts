import type { LiveEvent, LiveProgress } from '../api/types.gen';
import { next } from './live';

const progress = (file_id: number, run_id = 1, bytes_read = 10): LiveProgress => ({
  run_id,
  file_id,
  uri: `f${file_id}.csv`,
  stage: 'load',
  bytes_read,
  size_bytes: 100,
  rows_read: 1,
  rows_rejected: 0,
});

const event = (kind: LiveEvent['event'], run_id: number, file_id: number | null): LiveEvent => ({
  event_id: 1,
  event: kind,
  at: '2026-01-01T00:00:00Z',
  run_id,
  file_id,
  uri: null,
  detail: {},
});

const shown = (state: ReturnType<typeof next>): [number, number][] =>
  [...state.progress.values()].map((item) => [item.file_id, item.bytes_read]);

it('keeps the newest progress of each file until the file ends', () => {
  let state = next(
    { connection: 'connecting', progress: new Map() },
    { connection: 'live', events: [], progress: [progress(1), progress(2), progress(1, 1, 50)] },
  );
  expect([state.connection, shown(state)]).toEqual(['live', [[1, 50], [2, 10]]]); // prettier-ignore

  state = next(state, { connection: 'live', events: [event('file_loaded', 1, 1)], progress: [] });

  expect(shown(state)).toEqual([[2, 10]]);
});

it('forgets all files of a run that ended, and no others', () => {
  const state = next(
    {
      connection: 'live',
      progress: new Map([progress(1, 1), progress(2, 2)].map((item) => [item.file_id, item])),
    },
    { connection: 'live', events: [event('run_abandoned', 1, null)], progress: [] },
  );

  expect(shown(state)).toEqual([[2, 10]]);
});
