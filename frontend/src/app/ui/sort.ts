import { Component, computed, inject, input } from '@angular/core';
import { ActivatedRoute } from '@angular/router';
import { Query } from '../core/query';

/**
 * The head of a column that sorts the list: `<th [appSort]="sort()" by="rows_read">Rows</th>`.
 *
 * A first click sorts descending, a second ascending; the order is the query parameter `sort` (`-rows_read`).
 */
@Component({
  selector: 'th[appSort]',
  template: `
    <button type="button" (click)="change()">
      <ng-content /> <span aria-hidden="true">{{ sign() }}</span>
    </button>
  `,
  host: { '[attr.aria-sort]': 'order()' },
  styles: `
    button {
      min-height: 24px;
      padding: 0;
      border: 0;
      background: none;
      color: inherit;
      font: inherit;
      white-space: nowrap;
      cursor: pointer;
    }
    /* the sign stands before a number's name, so that the name ends where the numbers end */
    :host(.number) button {
      display: inline-flex;
      flex-direction: row-reverse;
      align-items: center;
    }
    span {
      display: inline-block;
      width: 1em;
    }
  `,
})
export class Sort {
  /** The order of the list now. */
  readonly appSort = input.required<string>();
  readonly by = input.required<string>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);
  protected readonly order = computed(() =>
    this.appSort() === this.by()
      ? 'ascending'
      : this.appSort() === `-${this.by()}`
        ? 'descending'
        : null,
  );
  protected readonly sign = computed(() =>
    this.order() === 'ascending' ? '▲' : this.order() === 'descending' ? '▼' : '',
  );

  protected change(): void {
    this.query.set(this.route, {
      sort: this.order() === 'descending' ? this.by() : `-${this.by()}`,
    });
  }
}
