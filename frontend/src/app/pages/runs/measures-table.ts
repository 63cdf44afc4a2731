import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Measure, difference } from './compare-rows';

/** Numbers of two runs side by side, with the difference; where asked for with bars. */
@Component({
  selector: 'app-measures-table',
  imports: [RouterLink],
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
              <th scope="col" class="number">Run {{ left() }}</th>
              <th scope="col" class="number">Run {{ right() }}</th>
              <th scope="col" class="number">Difference</th>
              @if (hasBars()) {
                <th scope="col"><span class="unseen">As bars</span></th>
              }
            </tr>
          </thead>
          <tbody>
            @for (row of rows(); track row.measure.name) {
              @let measure = row.measure;
              <tr [class.differs]="row.differs && !hasBars()">
                <th scope="row">
                  {{ measure.name }}
                  @if (row.differs) {
                    <span class="sign"
                      ><span aria-hidden="true">≠</span><span class="unseen">differs</span></span
                    >
                  }
                </th>
                @for (
                  side of [
                    [left(), measure.left],
                    [right(), measure.right],
                  ];
                  track $index
                ) {
                  <td class="number">
                    @if (measure.rows; as rows) {
                      <a
                        [routerLink]="rows.screen"
                        [queryParams]="{ run_id: side[0], state: rows.state }"
                        >{{ measure.format(side[1] ?? null) }}</a
                      >
                    } @else {
                      {{ measure.format(side[1] ?? null) }}
                    }
                  </td>
                }
                <td class="number">{{ row.difference }}</td>
                @if (hasBars()) {
                  <td class="bars">
                    <svg viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true">
                      <rect class="left-bar" [attr.width]="row.leftWidth" height="7" y="1" />
                      <rect class="right-bar" [attr.width]="row.rightWidth" height="7" y="10" />
                    </svg>
                  </td>
                }
              </tr>
            }
          </tbody>
        </table>
      </div>
    } @else {
      <p class="muted">
        {{ measures().length ? 'No difference.' : 'Neither run loaded anything.' }}
      </p>
    }
  `,
  styleUrl: './compare-table.scss',
})
export class MeasuresTable {
  readonly measures = input.required<readonly Measure[]>();
  /** What the table shows, for those who do not see it. */
  readonly label = input.required<string>();
  /** Ids of the runs. */
  readonly left = input.required<number>();
  readonly right = input.required<number>();
  readonly hasBars = input(false);
  /** Whether what is the same is left out. */
  readonly isBrief = input(false);

  private readonly largest = computed(() =>
    Math.max(...this.measures().flatMap((one) => [one.left ?? 0, one.right ?? 0]), 0),
  );
  protected readonly rows = computed(() =>
    this.measures()
      .filter((measure) => measure.left !== measure.right || !this.isBrief())
      .map((measure) => ({
        measure,
        differs: measure.left !== measure.right,
        difference: difference(measure),
        leftWidth: this.width(measure.left),
        rightWidth: this.width(measure.right),
      })),
  );

  private width(value: number | null): number {
    return this.largest() > 0 ? (100 * (value ?? 0)) / this.largest() : 0;
  }
}
