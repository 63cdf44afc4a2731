import { Component, computed, input } from '@angular/core';

/** How far something is: a bar, for readers a number. */
@Component({
  selector: 'app-progress',
  template: `<span [style.width.%]="percent()"></span>`,
  host: {
    role: 'progressbar',
    'aria-valuemin': '0',
    'aria-valuemax': '100',
    '[attr.aria-valuenow]': 'percent()',
    '[attr.aria-label]': 'label()',
  },
  styles: `
    :host {
      display: inline-block;
      width: 120px;
      height: 8px;
      overflow: hidden;
      border-radius: 4px;
      background: var(--idle-back);
    }
    span {
      display: block;
      height: 100%;
      background: var(--busy);
      transition: width 0.3s linear;
    }
  `,
})
export class ProgressBar {
  readonly value = input.required<number>();
  readonly total = input.required<number>();
  readonly label = input.required<string>();
  protected readonly percent = computed(() =>
    this.total() > 0 ? Math.min(100, Math.round((100 * this.value()) / this.total())) : 0,
  );
}
