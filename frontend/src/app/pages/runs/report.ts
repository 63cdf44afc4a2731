import { Component, computed, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import { FollowRun } from '../../ui/follow-run';

/** What came of something that was done with a run. */
export interface Outcome {
  readonly runId: number;
  readonly isDone: boolean;
  readonly text: string;
  /** The run request to be followed. */
  readonly follow?: number;
}

/** What came of something that was done with several runs, run by run. */
@Component({
  selector: 'app-report',
  imports: [FollowRun, RouterLink],
  template: `
    <section aria-live="polite" [attr.aria-label]="title()">
      <div class="row">
        <h3>{{ title() }}: {{ summary() }}</h3>
        <button type="button" class="plain" [disabled]="isBusy()" (click)="closed.emit()">
          Close
        </button>
      </div>
      <ul>
        @for (outcome of outcomes(); track outcome.runId) {
          <li>
            <span [class]="outcome.isDone ? 'good' : 'bad'">
              <span aria-hidden="true">{{ outcome.isDone ? '✓' : '✕' }}</span>
              <span class="unseen">{{ outcome.isDone ? 'Done: ' : 'Refused: ' }}</span>
            </span>
            <a [routerLink]="['/runs', outcome.runId]">Run {{ outcome.runId }}</a>
            <span>{{ outcome.text }}</span>
            @if (outcome.follow; as request) {
              <app-follow-run [requestId]="request" />
            }
          </li>
        }
      </ul>
    </section>
  `,
  styles: `
    section {
      margin-top: 10px;
      padding: 10px 12px;
      border: 1px solid var(--line);
      border-radius: 8px;
    }
    ul {
      margin: 8px 0 0;
      padding: 0;
      list-style: none;
      overflow-wrap: anywhere;
    }
    li {
      display: flex;
      flex-wrap: wrap;
      gap: 2px 6px;
      padding: 3px 0;
    }
  `,
})
export class Report {
  readonly title = input.required<string>();
  readonly outcomes = input.required<readonly Outcome[]>();
  readonly isBusy = input(false);
  readonly closed = output();

  protected readonly summary = computed(() => {
    const done = this.outcomes().filter((outcome) => outcome.isDone).length;
    const refused = this.outcomes().length - done;
    const said = `${done} done, ${refused} refused`;
    return this.isBusy() ? `${said}, going on…` : said;
  });
}
