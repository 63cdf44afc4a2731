import { HttpClient, HttpHeaders, httpResource } from '@angular/common/http';
import { Injectable, Signal, computed, inject, linkedSignal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { Problem, problemOf } from './problem';

export const API = '/api/v1';

/** What a query parameter may be; empty ones are left out, those of a list are separated by commas. */
export type QueryValue =
  string | number | boolean | readonly (string | number)[] | null | undefined;

/** The address of a resource of the API. */
export function apiUrl(path: string, query: Readonly<Record<string, QueryValue>> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(',') : String(value ?? '');
    if (text) parameters.append(name, text);
  }
  const text = parameters.toString();
  return `${API}${path}${text ? `?${text}` : ''}`;
}

/** Something that is read from the API, and what a panel shows of its reading. */
export interface Loadable {
  readonly problem: Signal<Problem | undefined>;
  readonly isLoading: Signal<boolean>;
  /** Whether there is something to show, however old. */
  readonly hasValue: Signal<boolean>;
  /** When what is shown was read. */
  readonly loadedAt: Signal<Date | undefined>;
  reload(): void;
}

/** One answer of the API; the last good one stays while it is read again, and when that fails. */
export interface Loaded<T> extends Loadable {
  readonly value: Signal<T | undefined>;
}

/**
 * Read an address of the API whenever it changes; in an injection context.
 *
 * @param address the address; undefined: nothing is read.
 * @param subject what is read about: while it is the same, an answer stays until the next one, also of another address.
 */
export function load<T>(
  address: () => string | undefined,
  subject?: () => string | undefined,
): Loaded<T> {
  const url = computed(address);
  const about = subject ? computed(subject) : url;
  const resource = httpResource<T>(url);
  const read = linkedSignal<
    { of: string | undefined; now: T | undefined },
    { of: string | undefined; value: T | undefined; at: Date | undefined }
  >({
    source: () => ({ of: about(), now: resource.hasValue() ? resource.value() : undefined }),
    computation: ({ of, now }, previous) => {
      if (now !== undefined) return { of, value: now, at: new Date() };
      const before = previous?.value;
      return before?.of === of && before ? before : { of, value: undefined, at: undefined };
    },
  });
  return {
    value: computed(() => read().value),
    hasValue: computed(() => read().value !== undefined),
    loadedAt: computed(() => read().at),
    isLoading: resource.isLoading,
    problem: computed(() => {
      const error = resource.error();
      return error === undefined ? undefined : problemOf(error);
    }),
    reload: () => {
      resource.reload();
    },
  };
}

/** Writes to the API. What it refuses is thrown as its `Problem`. */
@Injectable({ providedIn: 'root' })
export class Api {
  private readonly http = inject(HttpClient);

  get<T>(path: string, query: Readonly<Record<string, QueryValue>> = {}): Promise<T> {
    return this.send(() => firstValueFrom(this.http.get<T>(apiUrl(path, query))));
  }

  /** Post JSON, or a form with files. `key` makes it happen once however often it is sent. */
  post<T>(path: string, body: unknown = {}, key?: string): Promise<T> {
    const headers = key ? new HttpHeaders({ 'Idempotency-Key': key }) : undefined;
    return this.send(() => firstValueFrom(this.http.post<T>(API + path, body, { headers })));
  }

  delete(path: string): Promise<void> {
    return this.send(async () => {
      await firstValueFrom(this.http.delete(API + path));
    });
  }

  private async send<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw new Refused(problemOf(error));
    }
  }
}

/** The API refused, or was not there. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}
