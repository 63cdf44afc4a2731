import { Component, computed, input } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { RouterLink } from '@angular/router';
import { scan } from 'rxjs';
import type { LedgerEvent } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { FileNamePipe, WordsPipe } from '../../core/formats';
import { keysetList } from '../../core/keyset-list';
import { Filter, Filters } from '../../ui/filters';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { Sort } from '../../ui/sort';
import { Time } from '../../ui/time';
import { RowWindow } from './row-window';
import { RUN_EVENT_KINDS, eventBatches, eventText } from './run-events';
import { steady } from './steady';

const FILTERS: readonly Filter[] = [
  { name: 'kind', label: 'Kind', kind: 'choice', options: RUN_EVENT_KINDS, isMany: true },
];
const MOST_LIVE = 10_000;
const NEWEST_FIRST = '-event_id';

/** What happened in a run, the time first; what happens now comes in by itself. */
@Component({
  selector: 'app-events-tab',
  imports: [FileNamePipe, Filters, More, Panel, RouterLink, RowWindow, Sort, Time, WordsPipe],
  template: `
    <app-panel
      heading="Events"
      [data]="list"
      [isEmpty]="!rows().length && !kind().length"
      emptyText="Nothing has happened in this run yet."
      [partial]="isCut() ? 'too many for one page: load it again' : ''"
    >
      <app-filters [filters]="filters" />
      <div
        class="place"
        [appRowWindow]="rows().length"
        #window="appRowWindow"
        aria-label="Events of the run"
      >
        <table class="data" [attr.aria-rowcount]="rows().length + 1">
          <thead>
            <tr>
              <th class="time" [appSort]="sort()" by="event_id">Time</th>
              <th class="kind">Kind</th>
              <th class="file">File</th>
              <th>What</th>
            </tr>
          </thead>
          <tbody>
            <tr class="space" aria-hidden="true">
              <td colspan="4" [style.height.px]="window.before()"></td>
            </tr>
            @for (
              event of rows().slice(window.first(), window.last());
              track event.event_id;
              let index = $index
            ) {
              <tr [attr.aria-rowindex]="window.first() + index + 2">
                <td><app-time [at]="event.at" [isExact]="true" /></td>
                <td>{{ event.event | words }}</td>
                <td>
                  @if (event.file_id) {
                    <a [routerLink]="['/files', event.file_id]" [title]="event.uri ?? ''">{{
                      event.uri | fileName
                    }}</a>
                  }
                </td>
                <td [title]="text(event)">{{ text(event) }}</td>
              </tr>
            } @empty {
              <tr>
                <td colspan="4" class="muted">No event of this run fits the filter.</td>
              </tr>
            }
            <tr class="space" aria-hidden="true">
              <td colspan="4" [style.height.px]="window.after()"></td>
            </tr>
          </tbody>
        </table>
      </div>
      <app-more [list]="list" />
    </app-panel>
  `,
  styleUrl: './events-tab.scss',
})
export class EventsTab {
  readonly run_id = input.required<number>();
  readonly sort = input.required<string>();
  readonly kind = input.required<readonly string[]>();

  protected readonly filters = FILTERS;
  protected readonly text = eventText;
  protected readonly list = steady(
    keysetList<LedgerEvent>(
      () =>
        apiUrl(`/runs/${this.run_id()}/events`, {
          limit: 200,
          sort: this.sort(),
          kind: this.kind(),
        }),
      (event) => event.event_id,
    ),
    this.run_id,
  );
  private readonly live = toSignal(
    eventBatches((event) => event.run_id === this.run_id()).pipe(
      scan(
        (before: readonly LedgerEvent[], events) => [...before, ...events].slice(-MOST_LIVE),
        [],
      ),
    ),
    { initialValue: [] as readonly LedgerEvent[] },
  );
  protected readonly isCut = computed(() => this.live().length === MOST_LIVE);

  protected readonly rows = computed<readonly LedgerEvent[]>(() => {
    const listed = this.list.items();
    const known = new Set(listed.map((event) => event.event_id));
    const wanted = this.kind();
    const fresh = this.live().filter(
      (event) =>
        event.run_id === this.run_id() &&
        !known.has(event.event_id) &&
        (!wanted.length || wanted.includes(event.event)),
    );
    if (this.sort() === NEWEST_FIRST) return [...fresh.reverse(), ...listed];
    // in the order of time they follow the last page
    return this.list.hasMore() ? listed : [...listed, ...fresh];
  });
}
