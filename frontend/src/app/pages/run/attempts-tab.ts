import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Attempt } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { BytesPipe, CountPipe, FileNamePipe, SecondsPipe, percent } from '../../core/formats';
import { keysetList } from '../../core/keyset-list';
import { reloadOn } from '../../core/live';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';
import { RowWindow } from './row-window';

/** Each try of a run to load a file, in the order in which they began. */
@Component({
  selector: 'app-attempts-tab',
  imports: [
    BytesPipe,
    CountPipe,
    FileNamePipe,
    More,
    Panel,
    RouterLink,
    RowWindow,
    SecondsPipe,
    State,
    Time,
  ],
  template: `
    <app-panel
      heading="Attempts"
      [data]="list"
      [isEmpty]="list.isEmpty()"
      emptyText="This run has not tried to load a file."
      emptyCommand="trade-ingest plan"
    >
      <div [appRowWindow]="rows().length" #window="appRowWindow" aria-label="Attempts of the run">
        <table class="data" [attr.aria-rowcount]="rows().length + 1">
          <thead>
            <tr>
              <th>File</th>
              <th class="narrow number">Attempt</th>
              <th class="state">State</th>
              <th class="time">Began</th>
              <th class="narrow number">Time</th>
              <th class="narrow number">Read</th>
              <th class="narrow number">Bytes</th>
              <th class="stages">Stages</th>
              <th class="stages">Worker</th>
            </tr>
          </thead>
          <tbody>
            <tr class="space" aria-hidden="true">
              <td colspan="9" [style.height.px]="window.before()"></td>
            </tr>
            @for (
              row of rows().slice(window.first(), window.last());
              track row.id;
              let index = $index
            ) {
              <tr [attr.aria-rowindex]="window.first() + index + 2">
                <td>
                  <a [routerLink]="['/files', row.attempt.file_id]" [title]="row.attempt.uri">{{
                    row.attempt.uri | fileName
                  }}</a>
                </td>
                <td class="number">{{ row.attempt.number }}</td>
                <td>
                  <app-state
                    [state]="row.attempt.state"
                    [title]="row.attempt.error?.message ?? ''"
                  />
                </td>
                <td><app-time [at]="row.attempt.started_at" [isExact]="true" /></td>
                <td class="number">{{ row.seconds | seconds }}</td>
                <td class="number">{{ row.attempt.rows_read | count }}</td>
                <td class="number">{{ row.attempt.bytes_read | bytes }}</td>
                <td [title]="row.stages">{{ row.stages }}</td>
                <td [title]="row.attempt.worker">{{ row.attempt.worker }}</td>
              </tr>
            }
            <tr class="space" aria-hidden="true">
              <td colspan="9" [style.height.px]="window.after()"></td>
            </tr>
          </tbody>
        </table>
      </div>
      <app-more [list]="list" />
    </app-panel>
  `,
  styleUrl: './attempts-tab.scss',
})
export class AttemptsTab {
  readonly run_id = input.required<number>();

  protected readonly list = keysetList<Attempt>(
    () => apiUrl(`/runs/${this.run_id()}/attempts`, { limit: 200 }),
    idOf,
  );
  protected readonly rows = computed(() =>
    this.list.items().map((attempt) => ({
      id: idOf(attempt),
      attempt,
      seconds: attempt.ended_at
        ? (Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) / 1000
        : undefined,
      stages: stagesOf(attempt),
    })),
  );

  constructor() {
    reloadOn(this.list, (event) => event.run_id === this.run_id(), 2000);
  }
}

function idOf(attempt: Attempt): string {
  return `${attempt.file_id}.${attempt.number}`;
}

function stagesOf(attempt: Attempt): string {
  const entries = Object.entries(attempt.stage_seconds ?? {});
  const total = entries.reduce((sum, [, value]) => sum + value, 0);
  return entries
    .sort(([, one], [, other]) => other - one)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${percent(value / total)}`)
    .join(', ');
}
