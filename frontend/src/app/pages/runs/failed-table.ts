import { Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FailedFile } from './compare-rows';

/** The files that failed in two runs, and with what. */
@Component({
  selector: 'app-failed-table',
  imports: [RouterLink],
  template: `
    <div
      class="table-scroll"
      tabindex="0"
      role="region"
      aria-label="Files that failed, side by side"
    >
      <table class="data">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Run {{ left() }}</th>
            <th scope="col">Run {{ right() }}</th>
          </tr>
        </thead>
        <tbody>
          @for (file of files(); track file.uri) {
            <tr>
              <td class="wrap mono">
                @if (file.fileId; as id) {
                  <a [routerLink]="['/files', id]">{{ file.uri }}</a>
                } @else {
                  {{ file.uri }}
                }
              </td>
              @for (code of [file.left, file.right]; track $index) {
                <td>
                  @if (code) {
                    <span class="bad"><span aria-hidden="true">✕</span> {{ code }}</span>
                  } @else {
                    <span class="muted">did not fail</span>
                  }
                </td>
              }
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
})
export class FailedTable {
  readonly files = input.required<readonly FailedFile[]>();
  /** Ids of the runs. */
  readonly left = input.required<number>();
  readonly right = input.required<number>();
}
