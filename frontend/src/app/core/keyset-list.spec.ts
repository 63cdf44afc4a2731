import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { WritableSignal, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { KeysetList, keysetList } from './keyset-list';

interface Item {
  id: number;
  state?: string;
}

let http: HttpTestingController;
let address: WritableSignal<string | undefined>;
let list: KeysetList<Item>;

const ids = (): number[] => list.items().map((item) => item.id);
const page = (
  items: Item[],
  next_cursor: string | null = null,
): { items: Item[]; next_cursor: string | null } => ({
  items,
  next_cursor,
});

beforeEach(() => {
  TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
  http = TestBed.inject(HttpTestingController);
  address = signal<string | undefined>('/api/v1/runs?limit=2');
  list = TestBed.runInInjectionContext(() => keysetList<Item>(address, (item) => item.id));
  TestBed.tick();
});

afterEach(() => http.verify());

it('reads page after page, each item once', () => {
  http.expectOne('/api/v1/runs?limit=2').flush(page([{ id: 5 }, { id: 4 }], 'a/b'));
  expect([ids(), list.hasMore()]).toEqual([[5, 4], true]);

  list.more();
  http.expectOne('/api/v1/runs?limit=2&cursor=a%2Fb').flush(page([{ id: 4 }, { id: 3 }]));

  expect([ids(), list.hasMore()]).toEqual([[5, 4, 3], false]);
  list.more();
});

it('renews the first page and keeps those that follow', () => {
  http.expectOne('/api/v1/runs?limit=2').flush(page([{ id: 5 }, { id: 4 }], 'x'));
  list.more();
  http.expectOne('/api/v1/runs?limit=2&cursor=x').flush(page([{ id: 3 }, { id: 2 }], 'y'));

  list.reload();
  http.expectOne('/api/v1/runs?limit=2').flush(page([{ id: 6 }, { id: 5, state: 'new' }], 'z'));

  expect(list.items()).toEqual([
    { id: 6 },
    { id: 5, state: 'new' },
    { id: 4 },
    { id: 3 },
    { id: 2 },
  ]);
  list.more();
  http.expectOne('/api/v1/runs?limit=2&cursor=y').flush(page([{ id: 1 }]));
  expect(ids()).toEqual([6, 5, 4, 3, 2, 1]);
});

it('reads again what is asked for while it reads, once', () => {
  const first = http.expectOne('/api/v1/runs?limit=2');

  list.reload();
  list.reload();
  first.flush(page([{ id: 5 }]));
  http.expectOne('/api/v1/runs?limit=2').flush(page([{ id: 6 }, { id: 5 }]));

  expect(ids()).toEqual([6, 5]);
});

it('begins anew when the address changes, and forgets the answer to the old one', () => {
  const old = http.expectOne('/api/v1/runs?limit=2');

  address.set('/api/v1/runs?limit=2&state=failed');
  TestBed.tick();

  expect(old.cancelled).toBe(true);
  http.expectOne('/api/v1/runs?limit=2&state=failed').flush(page([]));
  expect([ids(), list.isEmpty()]).toEqual([[], true]);
});

it('keeps what it has when it cannot be read again', () => {
  http.expectOne('/api/v1/runs?limit=2').flush(page([{ id: 5 }]));

  list.reload();
  http.expectOne('/api/v1/runs?limit=2').error(new ProgressEvent('error'));

  expect([ids(), list.problem()?.code, list.hasValue()]).toEqual([[5], 'server.unreachable', true]);
});
