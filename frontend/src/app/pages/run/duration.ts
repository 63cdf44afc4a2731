import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { RunDetail } from '../../api/types.gen';
import { SecondsPipe, percent, seconds } from '../../core/formats';

const SAME = 0.05;

/** How long a run takes, against the median of the runs like it. */
@Component({
  selector: 'app-duration',
  imports: [RouterLink, SecondsPipe],
  template: `
    <p>
      <b>{{ taken() | seconds }}</b>&ngsp;
      @if (median() !== null) {
        {{ verdict() }}
        <a routerLink="/runs" [queryParams]="likeRuns()">runs like it</a>
      } @else {
        <span class="muted">no run like it has succeeded before</span>
      }
    </p>
    @if (median() !== null) {
      <svg width="100%" height="18" role="img" [attr.aria-label]="label()">
        <rect class="back" width="100%" y="4" height="10" rx="3" />
        <rect class="bar" [class.long]="isLong()" [attr.width]="width()" y="4" height="10" rx="3" />
        <line [attr.x1]="mark()" [attr.x2]="mark()" y1="0" y2="18" />
      </svg>
      <p class="muted">The mark is the median, {{ median() | seconds }}.</p>
    }
  `,
  styles: `
    b {
      font-size: 18px;
    }
    p:last-child {
      margin: 0;
    }
    .back {
      fill: var(--idle-back);
    }
    .bar {
      fill: var(--busy);
    }
    .bar.long {
      fill: var(--warn);
    }
    line {
      stroke: var(--text);
      stroke-width: 2;
    }
  `,
})
export class Duration {
  readonly detail = input.required<RunDetail>();
  /** Of a running run, up to now. */
  readonly taken = input.required<number>();

  protected readonly median = computed(() => this.detail().median_duration_seconds);
  private readonly ratio = computed(() => this.taken() / Math.max(this.median() ?? 1, 0.001));
  private readonly scale = computed(() => Math.max(this.taken(), this.median() ?? 0) * 1.1 || 1);
  protected readonly isLong = computed(() => this.ratio() >= 1.5);
  protected readonly width = computed(() => `${(100 * this.taken()) / this.scale()}%`);
  protected readonly mark = computed(() => `${(100 * (this.median() ?? 0)) / this.scale()}%`);
  protected readonly label = computed(
    () => `Took ${seconds(this.taken())}; the median of runs like it is ${seconds(this.median())}`,
  );
  protected readonly verdict = computed(() => {
    const more = this.ratio() - 1;
    if (Math.abs(more) < SAME) return 'as long as the median of';
    if (this.detail().run.state === 'running' && more < 0) {
      return `so far, ${percent(this.ratio())} of the median of`;
    }
    if (more >= 1) return `${this.ratio().toFixed(this.ratio() < 10 ? 1 : 0)} times the median of`;
    return `${percent(Math.abs(more))} ${more > 0 ? 'longer' : 'shorter'} than the median of`;
  });
  protected readonly likeRuns = computed(() => {
    const { contract, target } = this.detail().run;
    return { contract, target, state: 'succeeded' };
  });
}
