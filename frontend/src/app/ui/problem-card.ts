import { Component, input, output } from '@angular/core';
import type { Problem } from '../core/problem';

/** What went wrong, what to do, and the button to try again. */
@Component({
  selector: 'app-problem',
  template: `
    <div role="alert">
      <p class="what"><span aria-hidden="true">✕</span> {{ problem().detail }}</p>
      @if (problem().hint) {
        <p>{{ problem().hint }}</p>
      }
      @if (problem().errors.length) {
        <ul>
          @for (error of problem().errors; track $index) {
            <li>
              <code>{{ error.pointer }}</code> {{ error.detail }}
            </li>
          }
        </ul>
      }
      <p class="muted">
        <code>{{ problem().code }}</code>
        @if (problem().request_id) {
          · request <code>{{ problem().request_id }}</code>
        }
      </p>
      @if (canRetry()) {
        <button type="button" class="plain" (click)="retry.emit()">Try again</button>
      }
    </div>
  `,
  styles: `
    div {
      padding: 10px 12px;
      border-left: 4px solid var(--bad);
      border-radius: 4px;
      background: var(--bad-back);
      overflow-wrap: anywhere;
    }
    .what {
      font-weight: 600;
      color: var(--bad);
    }
    .muted {
      margin-bottom: 4px;
    }
  `,
})
export class ProblemCard {
  readonly problem = input.required<Problem>();
  readonly canRetry = input(true);
  readonly retry = output();
}
