import { Component, computed, effect, input, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { RejectFiles } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { CountPipe, FileNamePipe, count } from '../../core/formats';
import { reloadOn } from '../../core/live';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { USUAL_DAYS, Wanted } from './query';

/** The files that rejects are of, those with the most first. */
@Component({
  selector: 'app-reject-files',
  imports: [CountPipe, FileNamePipe, Panel, RouterLink, State],
  template: `
    <app-panel
      id="files"
      heading="Files"
      [data]="found"
      [isEmpty]="files().length === 0"
      emptyText="No file has such a reject."
      [partial]="partial()"
    >
      <div class="table-scroll" tabindex="0" role="region" aria-label="Rejects by file, scrolls">
        <table class="data">
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">State</th>
              <th scope="col" class="number">Rejects</th>
            </tr>
          </thead>
          <tbody>
            @for (file of files(); track file.file_id) {
              <tr>
                <td>
                  <a [routerLink]="['/files', file.file_id]" [title]="file.uri">{{
                    file.uri | fileName
                  }}</a>
                </td>
                <td><app-state [state]="file.state" /></td>
                <td class="number">
                  <a
                    [routerLink]="[]"
                    [queryParams]="{ file_id: file.file_id, days: days() }"
                    queryParamsHandling="merge"
                    fragment="rows"
                    [attr.aria-label]="(file.rejects | count) + ' rejects of ' + file.uri"
                    >{{ file.rejects | count }}</a
                  >
                </td>
              </tr>
            }
          </tbody>
        </table>
      </div>
    </app-panel>
  `,
  styles: `
    .table-scroll {
      max-height: 300px;
      overflow: auto;
    }
  `,
})
export class ByFile {
  readonly wanted = input.required<Wanted>();
  readonly states = input.required<string>();
  readonly changes = input.required<number>();
  protected readonly days = computed(() => this.wanted().days ?? USUAL_DAYS);
  protected readonly found = load<RejectFiles>(() =>
    apiUrl('/rejects/files', { ...this.wanted(), state: this.states(), days: this.days() }),
  );
  protected readonly files = computed(() => this.found.value()?.items ?? []);
  protected readonly partial = computed(() => {
    const all = this.found.value()?.files ?? 0;
    const shown = this.files().length;
    return all > shown ? `the first ${count(shown)} of ${count(all)}` : '';
  });

  constructor() {
    reloadOn(
      this.found,
      (event) => event.event === 'file_loaded' || event.event === 'run_ended',
      2000,
    );
    effect(() => {
      if (this.changes()) untracked(() => this.found.reload());
    });
  }
}
