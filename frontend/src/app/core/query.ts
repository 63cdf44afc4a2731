import { Injectable, inject } from '@angular/core';
import { ActivatedRoute, Params, Router } from '@angular/router';

/** Changes the query of the address: the state of a screen. */
@Injectable({ providedIn: 'root' })
export class Query {
  private readonly router = inject(Router);

  /** Set parameters; null and empty ones are taken out. The other parameters stay. */
  set(route: ActivatedRoute, parameters: Params): void {
    const cleaned = Object.fromEntries(
      Object.entries(parameters).map(([name, value]: [string, unknown]) => [
        name,
        isSet(value) ? value : null,
      ]),
    );
    void this.router.navigate([], {
      relativeTo: route,
      queryParams: cleaned,
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
}

/** A query parameter that may occur several times, as a list. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined || value === '' ? [] : typeof value === 'string' ? [value] : value;
}

function isSet(value: unknown): boolean {
  return (
    value !== undefined &&
    value !== null &&
    value !== '' &&
    !(Array.isArray(value) && value.length === 0)
  );
}
