import { Directive, computed, input, signal } from '@angular/core';

const SPARE = 8;

/**
 * A place of limited height for a long table, of which only the rows in sight are made.
 *
 * The table has rows `first` to `last`, all of one height, between spaces of the heights `before` and `after`.
 */
@Directive({
  selector: '[appRowWindow]',
  exportAs: 'appRowWindow',
  host: {
    class: 'table-scroll',
    role: 'region',
    tabindex: '0',
    '[style.max-height.px]': 'height()',
    '[style.overflow-y]': '"auto"',
    // the browser would take the spaces for content and move with them
    '[style.overflow-anchor]': '"none"',
    '(scroll)': 'follow($event)',
  },
})
export class RowWindow {
  /** How many rows there are. */
  readonly appRowWindow = input.required<number>();
  readonly rowHeight = input(37);
  readonly height = input(620);
  private readonly top = signal(0);

  private readonly span = computed(() => Math.ceil(this.height() / this.rowHeight()) + 2 * SPARE);
  readonly first = computed(() =>
    Math.max(0, Math.min(this.top() - SPARE, this.appRowWindow() - this.span())),
  );
  readonly last = computed(() => Math.min(this.appRowWindow(), this.first() + this.span()));
  readonly before = computed(() => this.first() * this.rowHeight());
  readonly after = computed(() => (this.appRowWindow() - this.last()) * this.rowHeight());

  protected follow(event: Event): void {
    const { scrollTop } = event.currentTarget as HTMLElement;
    // in steps, so that not each pixel makes rows
    const row = Math.floor(scrollTop / this.rowHeight());
    this.top.set(row - (row % (SPARE / 2)));
  }
}
