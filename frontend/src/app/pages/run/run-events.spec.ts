import { eventText } from './run-events';

it.each([
  [
    { uri: 's3://a', rows_read: 2624, size_bytes: 1536, rows_rejected: 0, duration_seconds: 0.041 },
    '2,624 rows read, 1.5 KiB, 41 ms',
  ],
  [
    { bytes_planned: 2048, files_planned: 6, files_skipped: 14 },
    '2 KiB planned, 6 files planned, 14 files skipped',
  ],
  [
    { error: { code: 'file.corrupt', message: 'ends early' }, reason: 'file.corrupt' },
    'file.corrupt: ends early',
  ],
  [{ reason: 'same_content' }, 'same content'],
  [{ target: 'public.trade_event' }, 'public.trade_event'],
  [{ state: 'rolled_back' }, 'rolled back'],
  [{ kind: 'ingest', sources: ['a', 'b'] }, 'a b'],
  [{}, ''],
])('says an event in words: %j', (detail, text) => {
  expect(eventText({ detail })).toBe(text);
});
