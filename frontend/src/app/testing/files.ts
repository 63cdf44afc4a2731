import type { File, FileDetail } from '../api/types.gen';

/** A file that was loaded whole, but for what is given. */
export function sampleFile(changes: Partial<File> = {}): File {
  return {
    file_id: 7,
    target: 'public.trade_event',
    uri: 's3://vendor/fx/2024-01-10.csv',
    version: 'etag-7',
    size_bytes: 2048,
    modified_at: '2024-01-11T01:00:00Z',
    state: 'loaded',
    reason: null,
    run_id: 3,
    contract: 'trade_event',
    contract_version: 1,
    attempts: 1,
    rows_read: 1000,
    rows_loaded: 990,
    rows_duplicate: 4,
    rows_rejected: 6,
    event_time_min: '2024-01-10T00:00:00Z',
    event_time_max: '2024-01-10T23:59:59Z',
    discovered_at: '2024-01-11T02:00:00Z',
    claimed_at: '2024-01-11T02:00:01Z',
    loaded_at: '2024-01-11T02:00:02Z',
    duration_seconds: 1,
    replaces_file_id: null,
    same_as_file_id: null,
    error: null,
    ...changes,
  };
}

/** All that is known of such a file. */
export function sampleDetail(
  file: Partial<File> = {},
  changes: Partial<FileDetail> = {},
): FileDetail {
  return {
    file: sampleFile(file),
    is_balanced: true,
    control_totals: { price: '1234567.5000' },
    header: ['TradeId', 'Price'],
    content_hash: 'aa',
    content_bytes: 2048,
    replaced_by_file_id: null,
    duplicates_of: [],
    duplicated_by: [],
    rejects_by_state: { open: 6 },
    attempts: [
      {
        number: 1,
        run_id: 3,
        state: 'loaded',
        worker: 'host:1',
        started_at: '2024-01-11T02:00:01Z',
        ended_at: '2024-01-11T02:00:02Z',
        rows_read: 1000,
        bytes_read: 2048,
        stage_seconds: { parse: 0.25, copy: 0.75 },
        error: null,
      },
    ],
    after_load: null,
    lakes: [],
    ...changes,
  };
}
