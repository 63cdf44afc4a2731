import { DOCUMENT } from '@angular/common';
import { Component, computed, effect, inject, signal, untracked } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { MatDialog } from '@angular/material/dialog';
import { RouterLink } from '@angular/router';
import { filter } from 'rxjs';
import type { LiveEvent, RunRequestOut, RunRequestsOut } from '../../api/types.gen';
import { Api, apiUrl, load } from '../../core/api';
import { Clock } from '../../core/clock';
import { Live, reloadOn } from '../../core/live';
import { Session } from '../../core/session';
import { Ask } from '../../ui/ask';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';

const BUSY_SECONDS = 2;
const IDLE_SECONDS = 30;

/** Runs that were asked for and have not begun; and those that could not, since the screen was opened. */
@Component({
  selector: 'app-waiting',
  imports: [Panel, RouterLink, State, Time],
  templateUrl: './waiting.html',
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 16px;
    }
    :host:empty {
      display: none;
    }
    ul {
      margin: 0;
      padding: 0;
      list-style: none;
      overflow-wrap: anywhere;
    }
  `,
})
export class Waiting {
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);
  private readonly clock = inject(Clock);
  private readonly document = inject(DOCUMENT);
  protected readonly session = inject(Session);
  protected readonly requests = load<RunRequestsOut>(() => apiUrl('/run-requests'));
  protected readonly waiting = computed(() =>
    (this.requests.value()?.items ?? []).filter((request) => request.run_id === null),
  );
  protected readonly failed = signal<readonly LiveEvent[]>([]);

  constructor() {
    let readAt = Date.now();
    effect(() => {
      // a request that waits for a place tells no event
      const now = this.clock.now();
      const pause = this.waiting().length ? BUSY_SECONDS : IDLE_SECONDS;
      if (now - readAt < pause * 1000 || this.document.hidden) return;
      readAt = now;
      untracked(() => this.requests.reload());
    });
    reloadOn(this.requests, (event) =>
      ['run_started', 'run_ended', 'run_request_failed'].includes(event.event),
    );
    inject(MatDialog)
      .afterAllClosed.pipe(takeUntilDestroyed())
      .subscribe(() => this.requests.reload());
    inject(Live)
      .events.pipe(
        filter((event) => event.event === 'run_request_failed'),
        takeUntilDestroyed(),
      )
      .subscribe((event) => this.failed.update((failed) => [event, ...failed].slice(0, 10)));
  }

  /** Read them again. */
  reload(): void {
    this.requests.reload();
  }

  protected wish(request: RunRequestOut): string {
    const sources: unknown = request.arguments['sources'];
    const all = Array.isArray(sources) ? sources.map(String) : [];
    const contract: unknown = request.arguments['contract'];
    const more = all.length > 1 ? ` and ${all.length - 1} more` : '';
    return `${all[0] ?? '–'}${more}${typeof contract === 'string' ? `, contract ${contract}` : ''}`;
  }

  protected error(event: LiveEvent): string {
    const error = event.detail['error'];
    if (typeof error !== 'object' || error === null) return 'The log of the server says why.';
    const { message, hint } = error as Record<string, unknown>;
    return [message, hint].filter((text) => typeof text === 'string' && text !== '').join('. ');
  }

  protected requestId(event: LiveEvent): string {
    const id = event.detail['run_request_id'];
    return typeof id === 'number' ? String(id) : '';
  }

  protected async cancel(request: RunRequestOut): Promise<void> {
    const id = request.run_request_id;
    const isSure = await this.ask.confirm({
      title: `Cancel request ${id}?`,
      text: `${this.wish(request)}: it has not begun, and loads nothing then.`,
      action: 'Cancel the request',
      isDangerous: true,
    });
    if (!isSure) return;
    await this.ask.attempt(
      () => this.api.post(`/run-requests/${id}/cancel`),
      `Request ${id} is cancelled.`,
    );
    this.requests.reload();
  }
}
