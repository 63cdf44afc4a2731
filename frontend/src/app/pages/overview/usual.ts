import type { Run } from '../../api/types.gen';

const LEAST_GAP_MS = 30 * 60_000;
const GAPS_NEEDED = 3;
const RUNS_NEEDED = 3;
const LIKE_SIZE = 4;

/**
 * The seconds that usually pass between two loads of a feed: the median of its gaps; undefined where nobody can say.
 *
 * Gaps of less than half an hour do not count: the runs of a backfill follow each other, and say nothing of when the
 * next file is due.
 */
export function usualGapSeconds(
  runs: readonly Run[],
  feed: { readonly target: string; readonly contract: string },
): number | undefined {
  const ends = runs
    .filter((run) => run.target === feed.target && run.contract === feed.contract)
    .filter((run) => run.files_loaded > 0 && run.ended_at !== null)
    .map((run) => Date.parse(run.ended_at ?? ''))
    .sort((one, other) => one - other);
  const gaps = ends
    .map((end, index) => end - (ends[index - 1] ?? end))
    .filter((gap) => gap >= LEAST_GAP_MS);
  return gaps.length >= GAPS_NEEDED ? median(gaps) / 1000 : undefined;
}

/** The usual share of rejected rows: the median of the runs that read rows; undefined where they are too few. */
export function usualRejectRatio(runs: readonly Run[]): number | undefined {
  const ratios = runs
    .filter((run) => run.ended_at !== null && run.rows_read > 0)
    .map((run) => run.rows_rejected / run.rows_read);
  return ratios.length >= RUNS_NEEDED ? median(ratios) : undefined;
}

/**
 * The usual speed of runs like one, in rows a second: the median of those before it into the same target by the same
 * contract that succeeded and read a quarter to four times as many rows; undefined where they are too few.
 */
export function usualSpeed(runs: readonly Run[], run: Run): number | undefined {
  const speeds = runs
    .filter((other) => other.run_id < run.run_id && other.state === 'succeeded')
    .filter((other) => other.target === run.target && other.contract === run.contract)
    .filter((other) => other.rows_read > 0 && run.rows_read > 0)
    .filter((other) => Math.abs(Math.log(other.rows_read / run.rows_read)) <= Math.log(LIKE_SIZE))
    .flatMap(({ rows_per_second }) => rows_per_second ?? []);
  return speeds.length >= RUNS_NEEDED ? median(speeds) : undefined;
}

/** The middle of some numbers; of an even number of them the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
