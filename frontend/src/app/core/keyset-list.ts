import { HttpClient } from '@angular/common/http';
import { DestroyRef, Signal, computed, effect, inject, signal, untracked } from '@angular/core';
import { Subscription } from 'rxjs';
import { Loadable } from './api';
import { Problem, problemOf } from './problem';

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** A list that is read page by page as far as somebody looks. */
export interface KeysetList<T> extends Loadable {
  readonly items: Signal<readonly T[]>;
  readonly hasMore: Signal<boolean>;
  readonly isEmpty: Signal<boolean>;
  more(): void;
}

/**
 * Read a list of the API whenever its address changes; in an injection context.
 *
 * Reading it again renews its first page and keeps the pages that follow.
 *
 * @param address where the first page is; undefined: nothing is read.
 * @param idOf what an item is known by.
 */
export function keysetList<T>(
  address: () => string | undefined,
  idOf: (item: T) => string | number,
): KeysetList<T> {
  const http = inject(HttpClient);
  const items = signal<readonly T[]>([]);
  const cursor = signal<string | null>(null);
  const problem = signal<Problem | undefined>(undefined);
  const loadedAt = signal<Date | undefined>(undefined);
  const isLoading = signal(false);
  let pages = 0;
  let isAskedAgain = false;
  let request: Subscription | undefined;

  const read = (url: string, take: (page: Page<T>) => void): void => {
    request?.unsubscribe();
    isLoading.set(true);
    request = http.get<Page<T>>(url).subscribe({
      next: (page) => {
        take(page);
        problem.set(undefined);
        loadedAt.set(new Date());
        end();
      },
      error: (error: unknown) => {
        problem.set(problemOf(error));
        end();
      },
    });
  };

  // what happened while a page was read may not be on it
  const end = (): void => {
    isLoading.set(false);
    const first = isAskedAgain ? untracked(address) : undefined;
    isAskedAgain = false;
    if (first) readFirst(first);
  };

  const readFirst = (url: string): void => {
    read(url, (page) => {
      const last = page.items.at(-1);
      const end = last && pages > 1 ? items().findIndex((item) => idOf(item) === idOf(last)) : -1;
      if (end >= 0) {
        // the pages that follow begin where this one ends now, and go on with their own cursor
        const fresh = new Set(page.items.map(idOf));
        const rest = items().slice(end + 1);
        items.set([...page.items, ...rest.filter((item) => !fresh.has(idOf(item)))]);
      } else {
        pages = 1;
        items.set(page.items);
        cursor.set(page.next_cursor);
      }
    });
  };

  effect(() => {
    const url = address();
    untracked(() => {
      request?.unsubscribe();
      pages = 0;
      isAskedAgain = false;
      items.set([]);
      cursor.set(null);
      loadedAt.set(undefined);
      problem.set(undefined);
      if (url) readFirst(url);
      else isLoading.set(false);
    });
  });
  inject(DestroyRef).onDestroy(() => request?.unsubscribe());

  return {
    items: items.asReadonly(),
    problem: problem.asReadonly(),
    isLoading: isLoading.asReadonly(),
    loadedAt: loadedAt.asReadonly(),
    hasValue: computed(() => loadedAt() !== undefined),
    hasMore: computed(() => cursor() !== null),
    isEmpty: computed(() => loadedAt() !== undefined && items().length === 0),
    reload: () => {
      const url = untracked(address);
      if (!url) return;
      if (untracked(isLoading)) isAskedAgain = true;
      else readFirst(url);
    },
    more: () => {
      const url = untracked(address);
      const from = untracked(cursor);
      if (!url || from === null || untracked(isLoading)) return;
      read(`${url}${url.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(from)}`, (page) => {
        const seen = new Set(items().map(idOf));
        items.set([...items(), ...page.items.filter((item) => !seen.has(idOf(item)))]);
        cursor.set(page.next_cursor);
        pages += 1;
      });
    },
  };
}
