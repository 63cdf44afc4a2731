import { HttpErrorResponse } from '@angular/common/http';
import type { Problem } from '../api/types.gen';

/** What went wrong, as the API says it (RFC 9457), or in the same form where no API has answered. */
export type { Problem };

/** The problem behind anything that was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof HttpErrorResponse) {
    if (isProblem(error.error)) return error.error;
    if (error.status === 0) {
      return problem(
        'server.unreachable',
        0,
        'The server does not answer.',
        'See whether trade-ingest serve is running.',
      );
    }
    return problem(
      'server.answer',
      error.status,
      `The server answered ${error.status}.`,
      'See the log of the server.',
    );
  }
  const wrapped = error instanceof Error ? error.cause : undefined;
  if (wrapped instanceof HttpErrorResponse) return problemOf(wrapped);
  return problem(
    'dashboard.failed',
    0,
    error instanceof Error ? error.message : String(error),
    'Load the page again.',
  );
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body;
}

function problem(code: string, status: number, detail: string, hint: string): Problem {
  return {
    type: 'about:blank',
    title: detail,
    status,
    detail,
    instance: '',
    code,
    hint,
    retryable: true,
    errors: [],
    request_id: '',
  };
}
