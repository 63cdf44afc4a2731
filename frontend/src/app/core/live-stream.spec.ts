import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { HttpClient } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { Subscription } from 'rxjs';
import { Update, liveStream } from './live-stream';

class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeSource[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeSource.opened.push(this);
  }

  close(): void {
    this.readyState = FakeSource.CLOSED;
  }

  say(kind: string, id: string, data: object): void {
    this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data), lastEventId: id }));
  }

  lose(isRefused: boolean): void {
    this.readyState = isRefused ? FakeSource.CLOSED : 0;
    this.onerror?.();
  }
}

const event = (event_id: number): object => ({
  event_id,
  event: 'file_loaded',
  run_id: 1,
  file_id: event_id,
});

let updates: Update[];
let http: HttpTestingController;
let subscription: Subscription;

const newest = (): FakeSource => FakeSource.opened.at(-1) ?? new FakeSource('none');
const seen = (): number[] =>
  updates.flatMap((update) => update.events.map((item) => item.event_id));
const said = (): string[] => updates.map((update) => update.connection);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
  FakeSource.opened = [];
  updates = [];
  TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
  http = TestBed.inject(HttpTestingController);
  subscription = liveStream(TestBed.inject(HttpClient), document).subscribe((update) =>
    updates.push(update),
  );
});

afterEach(() => {
  subscription.unsubscribe();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('tells what comes within a fifth of a second at once', () => {
  newest().onopen?.();
  newest().say('position', 'p0', {});
  newest().say('file_loaded', 'p1', event(1));
  newest().say('file_loaded', 'p2', event(2));
  vi.advanceTimersByTime(200);

  expect(updates).toEqual([
    { connection: 'live', events: [], progress: [] },
    { connection: 'live', events: [event(1), event(2)], progress: [] },
  ]);
});

it('goes on where it was when a stream ends, and says nothing of it', () => {
  newest().onopen?.();
  newest().say('file_loaded', 'p1', event(1));
  newest().lose(false);
  vi.advanceTimersByTime(250);

  expect(newest().url).toBe('/api/v1/events?cursor=p1');
  newest().onopen?.();
  newest().say('file_loaded', 'p2', event(2));
  vi.advanceTimersByTime(200);
  expect([seen(), new Set(said())]).toEqual([[1, 2], new Set(['live'])]);
});

it('says that it reconnects when it is lost for longer', () => {
  newest().onopen?.();
  newest().lose(false);
  vi.advanceTimersByTime(250);
  newest().lose(false);

  expect(said()).toEqual(['live', 'reconnecting']);
  vi.advanceTimersByTime(1000);
  newest().onopen?.();
  expect(said()).toEqual(['live', 'reconnecting', 'live']);
});

it('asks every two seconds where it gets no stream, and tries for one again', () => {
  newest().say('position', 'p1', {});
  newest().lose(true);
  http
    .expectOne('/api/v1/events?cursor=p1')
    .flush({ items: [event(1)], progress: [], next_cursor: 'p2' }, { headers: { ETag: '"e"' } });
  expect([said().at(-1), seen()]).toEqual(['polling', [1]]);

  for (let poll = 2; poll <= 10; poll += 1) {
    vi.advanceTimersByTime(2000);
    http
      .expectOne('/api/v1/events?cursor=p2')
      .flush(null, { status: 304, statusText: 'Not Modified' });
  }
  vi.advanceTimersByTime(2000);

  expect(newest().url).toBe('/api/v1/events?cursor=p2');
  expect(FakeSource.opened.length).toBe(2);
});

it('stops when nobody listens any more', () => {
  const source = newest();
  subscription.unsubscribe();

  expect(source.readyState).toBe(FakeSource.CLOSED);
  vi.advanceTimersByTime(60_000);
  expect(FakeSource.opened).toEqual([source]);
});
