import { Component, computed, effect, inject, input, output, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { RunRequestOut } from '../api/types.gen';
import { apiUrl, load } from '../core/api';
import { Clock } from '../core/clock';
import { reloadOn } from '../core/live';
import { ProblemCard } from './problem-card';

const EVERY_SECONDS = 2;

/** A run that was asked for: what has become of it, and the way to its run as soon as there is one. */
@Component({
  selector: 'app-follow-run',
  imports: [ProblemCard, RouterLink],
  template: `
    @if (request.problem(); as problem) {
      <app-problem [problem]="problem" (retry)="request.reload()" />
    }
    <span role="status">
      @if (asked(); as asked) {
        @if (asked.run_id; as runId) {
          <span class="good" aria-hidden="true">✓ </span>
          <a class="underlined" [routerLink]="['/runs', runId]" (click)="opened.emit()"
            >Run {{ runId }}</a
          >
          has begun.
        } @else if (asked.state === 'failed') {
          <span class="bad"
            ><span aria-hidden="true">✕</span> Request {{ asked.run_request_id }} failed:</span
          >
          {{ why() }}
        } @else if (asked.state === 'cancelled') {
          Request {{ asked.run_request_id }} was cancelled.
        } @else if (asked.state === 'queued') {
          Request {{ asked.run_request_id }} waits for a free place…
        } @else {
          Request {{ asked.run_request_id }} starts…
        }
      } @else {
        Request {{ requestId() }}…
      }
    </span>
  `,
})
export class FollowRun {
  readonly requestId = input.required<number>();
  /** The run is being looked at. */
  readonly opened = output();
  private readonly clock = inject(Clock);
  protected readonly request = load<RunRequestOut>(() =>
    apiUrl(`/run-requests/${this.requestId()}`),
  );
  protected readonly asked = this.request.value;
  /** Whether there is a run, or will be none. */
  private readonly isDecided = computed(() => {
    const asked = this.asked();
    return (
      asked !== undefined &&
      (asked.run_id !== null || ['ended', 'cancelled', 'failed'].includes(asked.state))
    );
  });
  protected readonly why = computed(() => {
    const error = this.asked()?.error;
    return [error?.['message'], error?.['hint']]
      .filter((text) => typeof text === 'string' && text !== '')
      .join('. ');
  });

  constructor() {
    let readAt = Date.now();
    effect(() => {
      const now = this.clock.now();
      if (this.isDecided() || now - readAt < EVERY_SECONDS * 1000) return;
      readAt = now;
      untracked(() => this.request.reload());
    });
    reloadOn(
      this.request,
      (event) => !this.isDecided() && ['run_started', 'run_request_failed'].includes(event.event),
    );
  }
}
