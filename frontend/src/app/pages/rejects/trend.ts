import { Component, computed, input } from '@angular/core';
import type { DayCount } from '../../api/types.gen';
import { count } from '../../core/formats';

const WIDTH = 120;
const HEIGHT = 24;
const DAY_MS = 86_400_000;
const MOST_BARS = 60;

/** How many rejects were found: a bar for each day, or for the highest of several days. */
@Component({
  selector: 'app-trend',
  template: `
    <svg
      role="img"
      [attr.aria-label]="label()"
      [attr.viewBox]="'0 0 ' + width + ' ' + height"
      [attr.width]="width"
      [attr.height]="height"
    >
      <title>{{ label() }}</title>
      <line x1="0" [attr.x2]="width" [attr.y1]="height - 0.5" [attr.y2]="height - 0.5" />
      @for (bar of bars(); track bar.x) {
        <rect
          [attr.x]="bar.x"
          [attr.y]="height - bar.height"
          [attr.width]="bar.width"
          [attr.height]="bar.height"
        />
      }
    </svg>
  `,
  styles: `
    svg {
      display: block;
    }
    rect {
      fill: var(--bad);
    }
    line {
      stroke: var(--line);
    }
  `,
})
export class Trend {
  readonly days = input.required<readonly DayCount[]>();
  /** How many days are shown, up to today (UTC). */
  readonly span = input.required<number>();
  /** The height of the chart, in rejects of a day. */
  readonly most = input.required<number>();
  protected readonly width = WIDTH;
  protected readonly height = HEIGHT;

  protected readonly bars = computed(() => {
    const span = this.span();
    const bars = Math.min(span, MOST_BARS);
    const today = Math.floor(Date.now() / DAY_MS);
    const highest = new Map<number, number>();
    for (const { date, rejects } of this.days()) {
      const day = span - 1 - (today - Date.parse(date) / DAY_MS);
      const bar = Math.min(Math.max(Math.floor((day * bars) / span), 0), bars - 1);
      highest.set(bar, Math.max(highest.get(bar) ?? 0, rejects));
    }
    const step = WIDTH / bars;
    return [...highest].map(([bar, rejects]) => ({
      x: bar * step,
      width: Math.max(step - 0.5, 1),
      height: Math.max((HEIGHT * rejects) / this.most(), 1.5),
    }));
  });
  protected readonly label = computed(() =>
    this.days()
      .map(({ date, rejects }) => `${date}: ${count(rejects)}`)
      .join(', '),
  );
}
