import { Component, computed, input } from '@angular/core';
import type { Loadable } from '../core/api';
import { Copy } from './copy';
import { ProblemCard } from './problem-card';
import { Stale } from './stale';

/**
 * A part of a screen with all that its data can be: loading, empty, failed, old, partial, or there.
 *
 * What is inside is shown when there is something to show, also while it is read again and when that fails.
 * Elements with the attribute `actions` stand in the head.
 */
@Component({
  selector: 'app-panel',
  imports: [Copy, ProblemCard, Stale],
  template: `
    <section [attr.aria-label]="heading()" [attr.aria-busy]="data()?.isLoading()">
      <header>
        @if (heading()) {
          <h2>{{ heading() }}</h2>
        }
        <app-stale [data]="data()" />
        @if (partial()) {
          <span class="badge">{{ partial() }}</span>
        }
        <span class="fill"></span>
        <ng-content select="[actions]" />
      </header>
      @if (data()?.problem(); as problem) {
        <app-problem [problem]="problem" (retry)="data()?.reload()" />
      }
      @if (isWaiting()) {
        <div class="skeleton" role="status">
          <span class="unseen">Loading {{ heading() }}</span>
          @for (line of lines(); track line) {
            <div></div>
          }
        </div>
      } @else if (isThere()) {
        @if (isEmpty()) {
          <div class="empty">
            <p>{{ emptyText() }}</p>
            @if (emptyCommand()) {
              <app-copy [text]="emptyCommand()" />
            }
          </div>
        } @else {
          <ng-content />
        }
      }
    </section>
  `,
  styles: `
    :host {
      display: block;
      min-width: 0;
    }
    section {
      padding: 14px 16px;
      border: 1px solid var(--line);
      border-radius: 10px;
      background: var(--panel);
    }
    header {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 6px 10px;
    }
    header:has(h2) {
      margin-bottom: 10px;
    }
    .fill {
      flex: 1;
    }
    .empty {
      padding: 8px 0;
      color: var(--text-2);
    }
    .skeleton div {
      height: 14px;
      margin: 8px 0;
      border-radius: 4px;
      background: var(--idle-back);
      animation: breathe 1.6s ease-in-out infinite;
    }
    .skeleton div:nth-of-type(3n) {
      width: 70%;
    }
    @keyframes breathe {
      50% {
        opacity: 0.45;
      }
    }
  `,
})
export class Panel {
  readonly heading = input('');
  /** What the panel shows; without it the content is always shown. */
  readonly data = input<Loadable>();
  readonly isEmpty = input(false);
  readonly emptyText = input('Nothing here yet.');
  /** The command that would bring something here. */
  readonly emptyCommand = input('');
  /** Why this is not all, where it is not. */
  readonly partial = input('');
  /** How many lines the skeleton has. */
  readonly height = input(4);

  protected readonly isThere = computed(() => this.data()?.hasValue() ?? true);
  protected readonly isWaiting = computed(() => !this.isThere() && !this.data()?.problem());
  protected readonly lines = computed(() =>
    Array.from({ length: this.height() }, (_, index) => index),
  );
}
