import { DOCUMENT } from '@angular/common';
import { HttpClient } from '@angular/common/http';
import { DestroyRef, Injectable, computed, inject } from '@angular/core';
import { rxResource, takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { Observable, Subject, filter, scan, tap, throttleTime } from 'rxjs';
import type { EventKind, LiveEvent, LiveProgress } from '../api/types.gen';
import { Loadable } from './api';
import { Connection, Update, liveStream } from './live-stream';
import { Session } from './session';

interface LiveState {
  readonly connection: Connection;
  readonly progress: ReadonlyMap<number, LiveProgress>;
}

const NOTHING: LiveState = { connection: 'connecting', progress: new Map() };
const FILE_ENDS: readonly EventKind[] = ['file_loaded', 'file_failed', 'file_skipped'];
const RUN_ENDS: readonly EventKind[] = ['run_ended', 'run_abandoned'];

/** What happens now: one stream for all screens. */
@Injectable({ providedIn: 'root' })
export class Live {
  private readonly http = inject(HttpClient);
  private readonly document = inject(DOCUMENT);
  private readonly session = inject(Session);
  private readonly told = new Subject<LiveEvent>();
  private readonly state = rxResource({
    params: () => (this.session.state() === 'in' ? true : undefined),
    stream: () =>
      liveStream(this.http, this.document).pipe(
        tap((update) => {
          for (const event of update.events) this.told.next(event);
        }),
        scan(next, NOTHING),
      ),
    defaultValue: NOTHING,
  });

  /** Events as they happen. */
  readonly events: Observable<LiveEvent> = this.told.asObservable();
  readonly connection = computed(() => this.state.value().connection);
  /** How far the files are that are being loaded, by file id. */
  readonly progress = computed(() => this.state.value().progress);
}

/** The state after an update: files that ended are no longer in progress. */
export function next(state: LiveState, update: Update): LiveState {
  if (!update.events.length && !update.progress.length) {
    return { ...state, connection: update.connection };
  }
  const progress = new Map(state.progress);
  for (const item of update.progress) progress.set(item.file_id, item);
  for (const event of update.events) {
    if (FILE_ENDS.includes(event.event) && event.file_id !== null) progress.delete(event.file_id);
    if (RUN_ENDS.includes(event.event)) {
      for (const item of progress.values())
        if (item.run_id === event.run_id) progress.delete(item.file_id);
    }
  }
  return { connection: update.connection, progress };
}

/** Read something again when an event concerns it, at most once a second; in an injection context. */
export function reloadOn(
  data: Loadable,
  concerns: (event: LiveEvent) => boolean,
  everyMs = 1000,
): void {
  inject(Live)
    .events.pipe(
      filter(concerns),
      throttleTime(everyMs, undefined, { leading: true, trailing: true }),
      takeUntilDestroyed(inject(DestroyRef)),
    )
    .subscribe(() => data.reload());
}
