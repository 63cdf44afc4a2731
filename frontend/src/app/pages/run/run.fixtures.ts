import type {
  File,
  LedgerEvent,
  LiveEvent,
  LiveProgress,
  Run,
  RunDetail,
} from '../../api/types.gen';

/** What the API says in the tests of this screen. */
export const RUN: Run = {
  run_id: 7,
  kind: 'ingest',
  state: 'failed',
  target: 'public.trade_event',
  sources: ['day1'],
  contract: 'trade_event',
  contract_version: 2,
  engine: 'local',
  started_by: 'ops',
  host: 'loader',
  program_version: '0.1.0',
  started_at: '2026-11-24T02:46:06Z',
  ended_at: '2026-11-24T02:46:12Z',
  duration_seconds: 6,
  rows_per_second: 2596,
  files_planned: 8,
  files_loaded: 6,
  files_failed: 2,
  files_skipped: 14,
  rows_read: 15580,
  rows_loaded: 15355,
  rows_duplicate: 163,
  rows_rejected: 62,
  bytes_read: 3000,
  error: null,
};

export const DETAIL: RunDetail = {
  run: RUN,
  options: {
    engine: 'local',
    reload: false,
    on_changed: 'replace',
    reject_limit: null,
    origins: { engine: 'TRADE_INGEST_ENGINE' },
  },
  process_id: 4711,
  is_live: false,
  is_balanced: true,
  files_by_state: { loaded: 6, failed: 2 },
  stage_seconds: { copy: 3, commit: 0, parse: 1 },
  bottleneck: 'copy',
  failures: [
    {
      file_id: 35,
      uri: 's3://feed/broken.csv',
      error: {
        code: 'file.header',
        message: "s3://feed/broken.csv: column 'TradeId' is missing",
        hint: 'add the name to the contract',
        retryable: false,
      },
    },
    {
      file_id: 36,
      uri: 's3://feed/late.csv',
      error: { code: 'store.timeout', message: 'no answer', hint: '', retryable: true },
    },
  ],
  rejects_open: 62,
  median_duration_seconds: 4,
  command: 'trade-ingest run day1 --contract trade_event --on-changed replace',
};

export const RUNNING: RunDetail = {
  ...DETAIL,
  run: { ...RUN, state: 'running', ended_at: null, files_failed: 0, files_loaded: 2 },
  is_live: true,
  failures: [],
};

export const FILE: File = {
  file_id: 5,
  target: 'public.trade_event',
  uri: 's3://feed/day-5.csv',
  version: 'etag',
  size_bytes: 2048,
  modified_at: '2026-11-24T02:00:00Z',
  state: 'loaded',
  reason: null,
  run_id: 7,
  contract: 'trade_event',
  contract_version: 2,
  attempts: 1,
  rows_read: 100,
  rows_loaded: 90,
  rows_duplicate: 7,
  rows_rejected: 3,
  event_time_min: null,
  event_time_max: null,
  discovered_at: '2026-11-24T02:46:00Z',
  claimed_at: '2026-11-24T02:46:07Z',
  loaded_at: '2026-11-24T02:46:09Z',
  duration_seconds: 2,
  replaces_file_id: null,
  same_as_file_id: null,
  error: null,
};

export const LOADED: LedgerEvent & LiveEvent = {
  event_id: 40,
  event: 'file_loaded',
  at: '2026-11-24T02:46:09Z',
  run_id: 7,
  file_id: 5,
  uri: 's3://feed/day-5.csv',
  detail: { rows_read: 100, rows_loaded: 90, rows_duplicate: 7, rows_rejected: 3 },
};

export function progressOf(file_id: number, change: Partial<LiveProgress> = {}): LiveProgress {
  return {
    run_id: 7,
    file_id,
    uri: `s3://feed/moving-${file_id}.csv`,
    stage: 'loading',
    bytes_read: 512,
    size_bytes: 2048,
    rows_read: 25,
    rows_rejected: 1,
    ...change,
  };
}
