import type { LedgerEvent, Run, RunDetail, RunRequestOut } from '../api/types.gen';

/** A run that succeeded, where nothing else is said. */
export function sampleRun(changes: Partial<Run> = {}): Run {
  return {
    run_id: 3,
    kind: 'ingest',
    state: 'succeeded',
    target: 'public.trade_event',
    sources: ['s3://vendor/fx/'],
    contract: 'trade_event',
    contract_version: 1,
    engine: 'local',
    started_by: 'ada',
    host: 'loader-1',
    program_version: '0.1.0',
    started_at: '2024-01-10T06:00:00Z',
    ended_at: '2024-01-10T06:00:10Z',
    duration_seconds: 10,
    rows_per_second: 100,
    files_planned: 4,
    files_loaded: 4,
    files_failed: 0,
    files_skipped: 2,
    rows_read: 1000,
    rows_loaded: 990,
    rows_duplicate: 4,
    rows_rejected: 6,
    bytes_read: 2048,
    error: null,
    ...changes,
  };
}

export function sampleDetail(run: Run, changes: Partial<RunDetail> = {}): RunDetail {
  return {
    run,
    options: { engine: 'local', on_changed: null },
    process_id: 1,
    is_live: false,
    is_balanced: true,
    files_by_state: { loaded: 4 },
    stage_seconds: { parse: 1, copy: 4 },
    bottleneck: 'copy',
    failures: [],
    rejects_open: 6,
    median_duration_seconds: null,
    command: 'trade-ingest run s3://vendor/fx/',
    ...changes,
  };
}

export function sampleFailure(uri: string, code: string, fileId = 7): LedgerEvent {
  return {
    event_id: 1,
    at: '2024-01-10T06:00:05Z',
    event: 'file_failed',
    run_id: 3,
    file_id: fileId,
    uri,
    detail: { uri, error: { code, message: 'm' } },
  };
}

/** A run request that waits, where nothing else is said. */
export function sampleRequest(changes: Partial<RunRequestOut> = {}): RunRequestOut {
  return {
    run_request_id: 12,
    state: 'queued',
    run_id: null,
    retry_of_run_id: null,
    requested_by: 'ada',
    arguments: { sources: ['s3://vendor/fx/', 's3://vendor/eq/'], contract: 'trade_event' },
    tries: 0,
    requested_at: '2024-01-10T06:00:00Z',
    started_at: null,
    stop_requested_at: null,
    ended_at: null,
    error: null,
    ...changes,
  };
}
