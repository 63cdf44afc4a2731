import type { Backlog, Bucket, FeedGaps, Freshness, Summary } from '../../api/types.gen';

/** The moment at which the tests are. */
export const NOW = new Date('2024-01-11T12:00:00Z');

/** Nothing waits. */
export function sampleBacklog(changes: Partial<Backlog> = {}): Backlog {
  return {
    files_pending: 0,
    bytes_pending: 0,
    oldest_pending_at: null,
    files_failed: 0,
    bytes_failed: 0,
    runs_running: 0,
    rejects_open: 0,
    ...changes,
  };
}

/** An hour in which two files came in. */
export function sampleBucket(changes: Partial<Bucket> = {}): Bucket {
  return {
    at: '2024-01-11T10:00:00Z',
    files_loaded: 2,
    files_failed: 0,
    rows_read: 1000,
    rows_loaded: 1000,
    rows_duplicate: 0,
    rows_rejected: 0,
    bytes_loaded: 2048,
    reject_ratio: 0,
    ...changes,
  };
}

/** A feed whose last file came in two hours ago. */
export function sampleFeed(changes: Partial<Freshness> = {}): Freshness {
  return {
    target: 'public.trade_event',
    contract: 'trade_event',
    last_loaded_at: '2024-01-11T10:00:00Z',
    last_event_at: '2024-01-10T23:59:59Z',
    age_seconds: 7200,
    ...changes,
  };
}

/** A day on which all went well. */
export function sampleSummary(changes: Partial<Summary> = {}): Summary {
  return {
    start: '2024-01-10T12:00:00Z',
    end: '2024-01-11T12:00:00Z',
    bucket_seconds: 3600,
    buckets: [sampleBucket()],
    reject_ratio: 0,
    rows_per_second: 1.5,
    freshness: [sampleFeed()],
    backlog: sampleBacklog(),
    ...changes,
  };
}

/** A feed that lacks a day. */
export function sampleGaps(changes: Partial<FeedGaps> = {}): FeedGaps {
  return {
    target: 'public.trade_event',
    contract: 'trade_event',
    missing: ['2024-01-03'],
    late: [],
    partial: [],
    ...changes,
  };
}
