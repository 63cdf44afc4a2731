import { Component, computed, input } from '@angular/core';
import { seconds } from '../../core/formats';

const MUCH_LONGER = 1.5;

function times(ratio: number): string {
  if (ratio < 0.01) return '<0.01';
  return ratio.toFixed(ratio < 0.1 ? 2 : ratio < 10 ? 1 : 0);
}

/** How long a run took against the median of like runs: a bar, the median as a mark at half of its width. */
@Component({
  selector: 'app-duration-gauge',
  template: `
    <span class="text">{{ text() }}</span>
    @if (ratio() !== undefined) {
      <svg width="72" height="10" role="img" [attr.aria-label]="label()">
        <title>{{ label() }}</title>
        <rect class="back" width="72" height="6" y="2" rx="3" />
        <rect
          [class]="isLong() ? 'long' : 'usual'"
          [attr.width]="width()"
          height="6"
          y="2"
          rx="3"
        />
        <line x1="36" x2="36" y1="0" y2="10" />
      </svg>
      <span class="times" [class.warn]="isLong()" aria-hidden="true">{{ times() }}</span>
    }
  `,
  styles: `
    :host {
      display: grid;
      grid-template-columns: auto auto;
      justify-content: start;
      align-items: center;
      column-gap: 6px;
    }
    .text {
      grid-column: 1 / -1;
    }
    .times {
      font-size: 12px;
      color: var(--text-2);
    }
    .times.warn {
      color: var(--warn);
      font-weight: 600;
    }
    .back {
      fill: var(--idle-back);
    }
    .usual {
      fill: var(--busy);
    }
    .long {
      fill: var(--warn);
    }
    line {
      stroke: var(--text);
      stroke-width: 1.5;
    }
  `,
})
export class DurationGauge {
  /** Seconds. */
  readonly duration = input.required<number>();
  /** Seconds; null where there is no like run. */
  readonly median = input.required<number | null>();

  protected readonly text = computed(() => seconds(this.duration()));
  protected readonly ratio = computed(() => {
    const median = this.median();
    return median ? this.duration() / median : undefined;
  });
  protected readonly isLong = computed(() => (this.ratio() ?? 0) >= MUCH_LONGER);
  protected readonly width = computed(() => Math.min(72, (this.ratio() ?? 0) * 36));
  protected readonly times = computed(() => {
    const ratio = this.ratio() ?? 0;
    return `${this.isLong() ? '▲ ' : ''}${times(ratio)}×`;
  });
  protected readonly label = computed(
    () => `${times(this.ratio() ?? 0)} times the median of like runs, ${seconds(this.median())}`,
  );
}
