import type { Run } from '../api/types.gen';

/** The states of the files that a run has loaded, whatever became of them since. */
export const EVER_LOADED = ['loaded', 'replaced', 'rolled_back'];

/** The states of the rejects that a run has found, whatever became of them since. */
export const EVER_REJECTED = ['open', 'replayed', 'discarded'];

/** Whether files and rejects are those of a run: a replay and a rollback change those of others, told by their events. */
export function hasFiles(run: Pick<Run, 'kind'>): boolean {
  return run.kind === 'ingest' || run.kind === 'baseline';
}
