import type { Run } from '../../api/types.gen';

/** A run of the list, where a newer API says the median of like runs, too. */
export type ListedRun = Run & { readonly median_duration_seconds?: number | null };

const AT_MOST = 20;

/**
 * The median duration of runs like one, in seconds: of up to 20 runs before it that succeeded and loaded something, by
 * the same contract into the same target. As the API says it, else of the runs at hand; null where there is none.
 */
export function medianOf(run: ListedRun, runs: readonly ListedRun[]): number | null {
  if (run.median_duration_seconds !== undefined) return run.median_duration_seconds;
  const durations = runs
    .filter((other) => other.run_id < run.run_id && isLike(run, other))
    .sort((one, other) => other.run_id - one.run_id)
    .slice(0, AT_MOST)
    .map((other) => other.duration_seconds)
    .sort((one, other) => one - other);
  const half = durations.length / 2;
  const upper = durations[Math.floor(half)];
  if (upper === undefined) return null;
  return durations.length % 2 ? upper : (upper + (durations[half - 1] ?? upper)) / 2;
}

function isLike(run: ListedRun, other: ListedRun): boolean {
  return (
    other.state === 'succeeded' &&
    other.files_loaded > 0 &&
    other.kind === run.kind &&
    other.contract === run.contract &&
    other.target === run.target
  );
}
