import { HttpClient, HttpErrorResponse, HttpResponse } from '@angular/common/http';
import { Observable, Subscriber, Subscription } from 'rxjs';
import type { EventKind, LiveEvent, LivePage, LiveProgress } from '../api/types.gen';
import { apiUrl } from './api';

/** `polling`: the server has no free stream, and is asked every two seconds. `paused`: nobody looks. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'polling' | 'paused';

/** What came since the last update. */
export interface Update {
  readonly connection: Connection;
  readonly events: readonly LiveEvent[];
  readonly progress: readonly LiveProgress[];
}

const KINDS: Record<EventKind, true> = {
  run_started: true,
  run_planned: true,
  run_ended: true,
  run_abandoned: true,
  run_request_failed: true,
  file_loaded: true,
  file_skipped: true,
  file_failed: true,
  file_archived: true,
  archive_failed: true,
  file_handed_over: true,
  file_withdrawn: true,
  handover_failed: true,
  file_rolled_back: true,
  rejects_replayed: true,
  rejects_discarded: true,
  target_created: true,
};

const FLUSH_MS = 200;
const POLL_MS = 2000;
const POLLS_BEFORE_STREAM = 10;
const RETRY_MS: readonly [number, ...number[]] = [250, 1000, 2000, 5000];
const PAUSE_AFTER_MS = 60_000;

/**
 * The ledger's events and the progress of loads, each event once, across lost connections.
 *
 * One `EventSource` per tab; polling where the server has no stream to give; nothing while the tab is hidden for a
 * minute. It goes on where it was: the id of the last message is the cursor of the next connection.
 */
export function liveStream(http: HttpClient, document: Document): Observable<Update> {
  return new Observable<Update>((subscriber) => {
    const client = new LiveClient(http, document, subscriber);
    client.open();
    return () => client.close();
  });
}

class LiveClient {
  private connection: Connection = 'connecting';
  private cursor: string | undefined;
  private etag: string | undefined;
  private source: EventSource | undefined;
  private poll: Subscription | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private flushTimer: ReturnType<typeof setTimeout> | undefined;
  private pauseTimer: ReturnType<typeof setTimeout> | undefined;
  private events: LiveEvent[] = [];
  private progress: LiveProgress[] = [];
  private failures = 0;
  private polls = 0;

  constructor(
    private readonly http: HttpClient,
    private readonly document: Document,
    private readonly subscriber: Subscriber<Update>,
  ) {
    document.addEventListener('visibilitychange', this.onVisibility);
  }

  open(): void {
    this.stop();
    const source = new EventSource(apiUrl('/events', { cursor: this.cursor }));
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.tell('live');
    };
    source.onerror = () => this.onLost(source.readyState === EventSource.CLOSED);
    source.addEventListener('position', (message: MessageEvent<string>) => this.keep(message));
    source.addEventListener('progress', (message: MessageEvent<string>) => {
      this.progress.push(JSON.parse(message.data) as LiveProgress);
      this.flushSoon();
    });
    for (const kind of Object.keys(KINDS)) {
      source.addEventListener(kind, (message: MessageEvent<string>) => {
        this.keep(message);
        this.events.push(JSON.parse(message.data) as LiveEvent);
        this.flushSoon();
      });
    }
  }

  close(): void {
    this.document.removeEventListener('visibilitychange', this.onVisibility);
    this.stop();
    clearTimeout(this.pauseTimer);
    clearTimeout(this.flushTimer);
  }

  /** A stream ends every five minutes: only one that cannot be opened again at once is told. */
  private onLost(isRefused: boolean): void {
    this.stop();
    if (isRefused) {
      this.polls = 0;
      this.ask();
      return;
    }
    this.retry();
  }

  private retry(): void {
    if (this.failures > 0) this.tell('reconnecting');
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)] ?? RETRY_MS[0];
    this.failures += 1;
    this.timer = setTimeout(() => this.open(), wait);
  }

  private ask(): void {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (this.etag) headers['If-None-Match'] = this.etag;
    const url = apiUrl('/events', { cursor: this.cursor });
    this.poll = this.http.get<LivePage>(url, { headers, observe: 'response' }).subscribe({
      next: (answer) => this.onPage(answer),
      error: (error: HttpErrorResponse) => {
        if (error.status === 304) this.askAgain();
        else if (error.status !== 401) this.retry();
      },
    });
  }

  private onPage(answer: HttpResponse<LivePage>): void {
    const page = answer.body;
    this.etag = answer.headers.get('ETag') ?? undefined;
    if (page) {
      if (page.next_cursor !== this.cursor) this.etag = undefined;
      this.cursor = page.next_cursor;
      this.events.push(...page.items);
      this.progress.push(...page.progress);
      this.flush('polling');
    }
    this.askAgain();
  }

  private askAgain(): void {
    this.failures = 0;
    this.tell('polling');
    this.polls += 1;
    const next = this.polls % POLLS_BEFORE_STREAM === 0 ? () => this.open() : () => this.ask();
    this.timer = setTimeout(next, POLL_MS);
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.pauseTimer);
    if (this.document.hidden) {
      this.pauseTimer = setTimeout(() => {
        this.stop();
        this.tell('paused');
      }, PAUSE_AFTER_MS);
    } else if (this.connection === 'paused') {
      this.open();
    }
  };

  private keep(message: MessageEvent<string>): void {
    if (message.lastEventId) this.cursor = message.lastEventId;
  }

  private stop(): void {
    this.source?.close();
    this.source = undefined;
    this.poll?.unsubscribe();
    clearTimeout(this.timer);
  }

  private tell(connection: Connection): void {
    if (connection !== this.connection) this.flush(connection);
  }

  private flushSoon(): void {
    this.flushTimer ??= setTimeout(() => this.flush(this.connection), FLUSH_MS);
  }

  private flush(connection: Connection): void {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    this.connection = connection;
    const { events, progress } = this;
    this.events = [];
    this.progress = [];
    this.subscriber.next({ connection, events, progress });
  }
}
