import { Component, computed, input } from '@angular/core';
import type { Fact } from './compare-rows';

/** Texts of two runs side by side; those that differ are marked. */
@Component({
  selector: 'app-facts-table',
  template: `
    @if (rows().length) {
      <div
        class="table-scroll"
        tabindex="0"
        role="region"
        [attr.aria-label]="label() + ', side by side'"
      >
        <table class="data">
          <thead>
            <tr>
              <th scope="col"><span class="unseen">What</span></th>
              <th scope="col">Run {{ left() }}</th>
              <th scope="col">Run {{ right() }}</th>
            </tr>
          </thead>
          <tbody>
            @for (row of rows(); track row.name) {
              <tr [class.differs]="row.differs">
                <th scope="row">
                  {{ row.name }}
                  @if (row.differs) {
                    <span class="sign"
                      ><span aria-hidden="true">≠</span><span class="unseen">differs</span></span
                    >
                  }
                </th>
                <td class="wrap">{{ row.left }}</td>
                <td class="wrap">{{ row.right }}</td>
              </tr>
            }
          </tbody>
        </table>
      </div>
    } @else {
      <p class="muted">No difference.</p>
    }
  `,
  styleUrl: './compare-table.scss',
})
export class FactsTable {
  readonly facts = input.required<readonly Fact[]>();
  /** What the table shows, for those who do not see it. */
  readonly label = input.required<string>();
  /** Ids of the runs. */
  readonly left = input.required<number>();
  readonly right = input.required<number>();
  /** Whether what is the same is left out. */
  readonly isBrief = input(false);
  protected readonly rows = computed(() =>
    this.facts().filter((fact) => fact.differs || !this.isBrief()),
  );
}
