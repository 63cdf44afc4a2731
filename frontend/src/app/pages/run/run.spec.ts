import { provideHttpClient } from '@angular/common/http';
import {
  HttpTestingController,
  TestRequest,
  provideHttpClientTesting,
} from '@angular/common/http/testing';
import { WritableSignal, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter, withComponentInputBinding } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { Subject } from 'rxjs';
import type { File, LiveEvent, LiveProgress, RunDetail } from '../../api/types.gen';
import { Live } from '../../core/live';
import { Session } from '../../core/session';
import { Ask, Question } from '../../ui/ask';
import RunPage from './run';
import { DETAIL, FILE, LOADED, RUN, RUNNING, progressOf } from './run.fixtures';

const asked: Question[] = [];
let http: HttpTestingController;
let harness: RouterTestingHarness;
let events: Subject<LiveEvent>;
let progress: WritableSignal<ReadonlyMap<number, LiveProgress>>;
let canOperate: WritableSignal<boolean>;

const page = (): HTMLElement => harness.routeNativeElement as HTMLElement;
/** The text that somebody reads: that of each element apart from the next. */
function said(element: Element | null): string {
  if (!element) return '';
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const parts: string[] = [];
  while (walker.nextNode()) parts.push(walker.currentNode.textContent ?? '');
  return parts.join(' ').replace(/\s+/g, ' ').trim();
}
const text = (selector: string): string => said(page().querySelector(selector));
const texts = (selector: string): string[] => [...page().querySelectorAll(selector)].map(said);
const rows = (selector: string): string[][] =>
  [...page().querySelectorAll(`${selector} tbody tr:not(.space)`)].map((row) =>
    [...row.querySelectorAll('td')].map(said),
  );
const take = (path: string, method = 'GET'): TestRequest =>
  http.expectOne(
    ({ method: how, url, urlWithParams }) =>
      how === method && [url, urlWithParams.split('?')[0]].includes(`/api/v1${path}`),
  );

function button(label: string): HTMLButtonElement {
  const found = [...page().querySelectorAll('button')].find((one) =>
    one.textContent.includes(label),
  );
  if (!found) throw new Error(`no button ${label}`);
  return found;
}

async function settle(): Promise<void> {
  // not until all is stable: the requests wait for their answers
  await new Promise((done) => setTimeout(done));
  harness.detectChanges();
}

async function open(query = ''): Promise<void> {
  harness = await RouterTestingHarness.create(`/runs/7${query}`);
}

async function show(detail: RunDetail = DETAIL, files: File[] = [FILE], query = ''): Promise<void> {
  await open(query);
  take('/runs/7').flush(detail);
  await settle();
  if (detail === RUNNING) {
    take('/run-requests').flush({
      items: [{ run_request_id: 3, run_id: 7, stop_requested_at: null }],
    });
    take('/runs/7/events').flush({
      items: [{ ...LOADED, event: 'run_planned', detail: { bytes_planned: 12000 } }],
      next_cursor: null,
    });
  }
  take('/runs/7/files').flush({ items: files, next_cursor: null });
  await settle();
}

beforeEach(() => {
  asked.length = 0;
  events = new Subject();
  progress = signal(new Map());
  canOperate = signal(true);
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideRouter([{ path: 'runs/:run_id', component: RunPage }], withComponentInputBinding()),
      { provide: Live, useValue: { events, progress, connection: signal('live') } },
      { provide: Session, useValue: { canOperate } },
      {
        provide: Ask,
        useValue: {
          confirm: (question: Question) => Promise.resolve(asked.push(question) > 0),
          attempt: (action: () => Promise<unknown>) => action().then(() => true),
        },
      },
    ],
  });
  http = TestBed.inject(HttpTestingController);
});

afterEach(() => http.verify());

it('says what was read and what became of it, with links to the rows', async () => {
  await show();

  expect(text('h1')).toBe('Run 7');
  expect(text('app-balance')).toBe(
    '15,580 read = 15,355 loaded + 163 duplicate + 62 rejected ✓ every row is accounted for ' +
      '8 files planned : 6 loaded , 2 failed ; 14 others skipped Files known before',
  );
  expect(
    [...page().querySelectorAll('app-balance a')].map((link) => link.getAttribute('href')),
  ).toEqual([
    '/runs/7?sort=-rows_read#parts',
    '/runs/7?sort=-rows_loaded#parts',
    '/runs/7?sort=-rows_duplicate#parts',
    '/rejects?run_id=7&state=open&state=replayed&state=discarded',
    '/runs/7#parts',
    '/runs/7?state=loaded&state=replaced&state=rolled_back#parts',
    '/runs/7#failures',
    '/files?target=public.trade_event&discovered_to=2026-11-24T02:46:06Z&sort=file_id',
  ]);
});

it('leads to the events of a replay: its files and rejects are those of other runs', async () => {
  const replay = { ...RUN, kind: 'replay' as const, files_skipped: 0, files_failed: 0 };
  await open();
  take('/runs/7').flush({ ...DETAIL, run: replay, failures: [] });
  await settle();
  take('/runs/7/events').flush({ items: [], next_cursor: null });
  await settle();

  expect(
    [...page().querySelectorAll('app-balance a')].map((link) => link.getAttribute('href')),
  ).toEqual(Array.from({ length: 7 }, () => '/runs/7#parts'));
  expect(text('app-tabs [aria-current]')).toBe('Events');
});

it('names the gap where rows are missing', async () => {
  await show({ ...DETAIL, is_balanced: false, run: { ...RUN, rows_loaded: 15350 } });

  expect(text('app-balance .bad')).toBe('✕ a gap of 5 rows');
});

it('names the bottleneck, compares the duration, and groups what failed', async () => {
  await show();

  expect(text('app-stages p')).toBe('The bottleneck is copy (writing, on PostgreSQL).');
  expect(texts('app-stages li')).toEqual([
    'parse 1.0 s · 25%',
    'copy 3.0 s · 75%',
    'commit 0 ms · 0%',
  ]);
  expect(text('app-duration')).toBe(
    '6.0 s 50% longer than the median of runs like it The mark is the median, 4.0 s.',
  );
  expect(texts('app-failures article')).toEqual([
    'file.header 1 file ✕ trying again does not help by itself What to do: add the name to the contract ' +
      "broken.csv column 'TradeId' is missing",
    'store.timeout 1 file ↻ trying again may help late.csv no answer',
  ]);
});

it('shows the files, with what they have in rows', async () => {
  await show();

  expect(rows('app-files-tab')).toEqual([
    ['day-5.csv', '✓ loaded', '2 KiB', '100', '90', '7', '3', '50 rows/s', '2.0 s', '1'],
  ]);
});

it('says why there are no files, and what a filter hides', async () => {
  await show(DETAIL, []);
  expect(text('app-files-tab .empty')).toContain(
    'This run has no files: nothing was left to load.',
  );

  await TestBed.inject(Router).navigateByUrl('/runs/7?state=failed&uri=day');
  await settle();
  expect(take('/runs/7/files').request.urlWithParams).toBe(
    '/api/v1/runs/7/files?limit=500&sort=-file_id&state=failed&uri=day',
  );
});

it('says that there is no such run', async () => {
  await open();
  take('/runs/7').flush(
    {
      code: 'ledger.unknown',
      detail: 'no run 7',
      hint: 'see trade-ingest runs',
      errors: [],
      request_id: 'r1',
    },
    { status: 404, statusText: 'Not Found' },
  );
  await settle();

  expect(text('app-problem')).toBe(
    '✕ no run 7 see trade-ingest runs ledger.unknown · request r1 Try again',
  );
  button('Try again').click();
  await settle();
  take('/runs/7').flush(DETAIL);
  await settle();
  take('/runs/7/files').flush({ items: [], next_cursor: null });
  expect(page().querySelector('app-problem')).toBeNull();
});

it('shows the files that move first, and what they have so far, without reading anything', async () => {
  await show(RUNNING);

  progress.set(new Map([[9, progressOf(9)]]));
  await settle();

  expect(rows('app-files-tab').map((cells) => cells.slice(0, 7))).toEqual([
    ['moving-9.csv', '▶ loading', '2 KiB', '25', '–', '–', '1'],
    ['day-5.csv', '✓ loaded', '2 KiB', '100', '90', '7', '3'],
  ]);
  expect(text('app-balance')).toContain('1 being loaded, 5 waiting');
  expect(text('app-balance')).toContain(
    '25 rows read, 1 rejected; nothing of them is committed yet.',
  );
  expect(text('app-overall-progress')).toContain(
    '29% · 3.43 KiB of 11.7 KiB · 1 file being loaded',
  );
});

it('makes only the rows in sight of 5,000 files that move', async () => {
  await show(RUNNING);

  progress.set(new Map(Array.from({ length: 5000 }, (_, id) => [id + 10, progressOf(id + 10)])));
  await settle();

  const table = page().querySelector('app-files-tab table');
  expect(table?.getAttribute('aria-rowcount')).toBe('5002');
  expect(rows('app-files-tab').length).toBe(33);
  const place = page().querySelector('app-files-tab [role=region]') as HTMLElement;
  place.scrollTop = 37 * 2000;
  place.dispatchEvent(new Event('scroll'));
  await settle();
  expect(rows('app-files-tab')[0]?.[0]).toBe('moving-2002.csv');
});

it('reads the run and its files again when a file has ended', async () => {
  await show(RUNNING, [{ ...FILE, state: 'pending', rows_read: 0 }]);

  events.next(LOADED);
  await settle();
  take('/runs/7').flush(RUNNING);
  take('/run-requests').flush({ items: [] });
  take('/runs/7/files').flush({ items: [FILE], next_cursor: null });
  await settle();

  expect(rows('app-files-tab').map((cells) => cells[1])).toEqual(['✓ loaded']);
});

it('tells files that were skipped when they were read from those that have not begun', async () => {
  await show({
    ...DETAIL,
    run: { ...RUN, files_planned: 12, files_skipped: 17 },
    files_by_state: { loaded: 6, failed: 2, skipped: 3 },
  });

  expect(text('app-balance')).toContain('2 failed , 3 skipped, 1 not begun; 14 others skipped');
});

it('leaves alone what happens in other runs', async () => {
  await show(RUNNING);

  events.next({ ...LOADED, run_id: 8 });
  progress.set(new Map([[9, progressOf(9, { run_id: 8 })]]));
  await settle();

  expect(rows('app-files-tab').map((cells) => cells[0])).toEqual(['day-5.csv']);
});

it('cancels a run that was begun over the API, after asking', async () => {
  await show(RUNNING);

  button('Cancel run').click();
  await settle();
  const sent = take('/runs/7/cancel', 'POST');
  expect(asked.map((question) => question.title)).toEqual(['Cancel run 7?']);
  expect(asked[0]?.text).toContain('6 of 8 files have not ended.');
  sent.flush({});
  await settle();

  take('/run-requests').flush({
    items: [{ run_id: 7, stop_requested_at: '2026-11-24T02:47:00Z' }],
  });
  take('/runs/7').flush(RUNNING);
  await settle();
  expect(text('app-run-actions')).toContain('stopping: the files in flight are finished');
});

it('retries the failed files once, and leads to the new run', async () => {
  await show();

  button('Retry 2 failed files').click();
  await settle();
  const sent = take('/runs/7/retry', 'POST');
  expect(sent.request.body).toEqual({});
  expect(sent.request.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f]{32}$/);
  sent.flush({ run_request_id: 12, state: 'queued', run_id: null });
  await settle();

  expect(TestBed.inject(Router).url).toBe('/runs/7?retry=12');
  for (const request of http.match('/api/v1/run-requests/12')) {
    if (!request.cancelled) request.flush({ run_request_id: 12, state: 'running', run_id: 8 });
  }
  await settle();
  expect(text('app-follow-run a')).toBe('Run 8');
});

it('offers nothing to those who may only read', async () => {
  canOperate.set(false);
  await show();

  expect(text('app-run-actions')).toBe('Replay 62 open rejects');
});

it('says that the process of a running run has died', async () => {
  const dead = { ...RUNNING, is_live: false };
  await open();
  take('/runs/7').flush(dead);
  await settle();
  for (const path of ['/run-requests', '/runs/7/events', '/runs/7/files'])
    take(path).flush({ items: [], next_cursor: null });
  await settle();

  expect(text('header .bad')).toContain('its process has died');
});

it('adds what happens to the top of the event log, those kinds only that are asked for', async () => {
  await open('?tab=events&kind=file_loaded');
  take('/runs/7').flush(DETAIL);
  await settle();
  const list = take('/runs/7/events');
  expect(list.request.urlWithParams).toBe(
    '/api/v1/runs/7/events?limit=200&sort=-event_id&kind=file_loaded',
  );
  list.flush({ items: [LOADED], next_cursor: null });
  await settle();

  events.next({ ...LOADED, event_id: 41, uri: 's3://feed/day-6.csv' });
  events.next({ ...LOADED, event_id: 42, event: 'file_failed' });
  events.next(LOADED);
  await settle();
  take('/runs/7').flush(DETAIL);
  await settle();

  expect(rows('app-events-tab').map((cells) => cells.slice(1))).toEqual([
    [
      'file loaded',
      'day-6.csv',
      '100 rows read, 90 rows loaded, 7 rows duplicate, 3 rows rejected',
    ],
    [
      'file loaded',
      'day-5.csv',
      '100 rows read, 90 rows loaded, 7 rows duplicate, 3 rows rejected',
    ],
  ]);
});

it('lists the attempts with where their time went', async () => {
  await open('?tab=attempts');
  take('/runs/7').flush(DETAIL);
  await settle();
  const attempt = {
    file_id: 5,
    uri: 's3://feed/day-5.csv',
    number: 2,
    state: 'loaded',
    worker: 'loader:4711',
    started_at: '2026-11-24T02:46:07Z',
    ended_at: '2026-11-24T02:46:09Z',
    rows_read: 100,
    bytes_read: 2048,
    stage_seconds: { copy: 0.75, parse: 0.25, commit: 0 },
    error: null,
  };
  take('/runs/7/attempts').flush({ items: [attempt], next_cursor: null });
  await settle();

  expect(
    rows('app-attempts-tab').map((cells) => cells.filter((_, column) => column !== 3)),
  ).toEqual([
    ['day-5.csv', '2', '✓ loaded', '2.0 s', '100', '2 KiB', 'copy 75%, parse 25%', 'loader:4711'],
  ]);
});

it('shows with which options it ran, and the command that does the same', async () => {
  await open('?tab=configuration');
  take('/runs/7').flush(DETAIL);
  await settle();
  take('/contracts/trade_event').flush({
    version: 2,
    definition: { on_changed: 'fail', rejects: { max_count: 10, max_ratio: 0.01 } },
  });
  await settle();

  expect(rows('app-configuration-tab')).toEqual([
    ['engine', 'local', 'TRADE_INGEST_ENGINE'],
    ['reload', 'no', 'default'],
    ['on changed', 'replace', 'given'],
    ['reject limit', 'max count 10, max ratio 0.01', 'contract trade_event, version 2'],
  ]);
  expect(text('app-copy code')).toBe(DETAIL.command);
});

it('does not say what another version of the contract says', async () => {
  await open('?tab=configuration');
  take('/runs/7').flush(DETAIL);
  await settle();
  take('/contracts/trade_event').flush({ version: 3, definition: { rejects: { max_count: 0 } } });
  await settle();

  expect(rows('app-configuration-tab').at(-1)).toEqual([
    'reject limit',
    '–',
    'contract trade_event, version 2',
  ]);
});
