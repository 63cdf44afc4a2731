import type { Problem } from '../api/types.gen';

/** What the API says where its database is away, where nothing else is said. */
export function sampleProblem(changes: Partial<Problem> = {}): Problem {
  return {
    type: 'about:blank',
    title: 'Unavailable',
    status: 503,
    detail: 'the database does not answer',
    instance: '',
    code: 'database.unavailable',
    hint: 'see trade-ingest doctor',
    retryable: true,
    errors: [],
    request_id: 'r-1',
    ...changes,
  };
}

/** What a panel says of it. */
export const PROBLEM_SAID =
  '✕ the database does not answer see trade-ingest doctor database.unavailable · request r-1 Try again';
