import { Component, computed, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { QueryValue, apiUrl } from '../../core/api';
import { keysetList } from '../../core/keyset-list';
import { reloadOn } from '../../core/live';
import { Preferences } from '../../core/preferences';
import { listOf } from '../../core/query';
import { Filters } from '../../ui/filters';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { Bulk } from './bulk';
import { ListedRun } from './like-runs';
import { FILTERS, VIEWS, bound } from './runs-query';
import { RunsTable } from './runs-table';
import { Waiting } from './waiting';

/** All runs: to sort, to filter, to retry, to cancel, to compare. */
@Component({
  selector: 'app-runs',
  imports: [Bulk, Filters, More, Panel, RouterLink, RunsTable, Waiting],
  templateUrl: './runs.html',
  styles: `
    .views a {
      padding: 4px 6px;
    }
  `,
})
export default class Runs {
  readonly sort = input<string>();
  readonly state = input<string | readonly string[]>();
  readonly kind = input<string | readonly string[]>();
  readonly target = input<string>();
  readonly contract = input<string>();
  readonly source = input<string>();
  readonly engine = input<string>();
  readonly started_by = input<string>();
  readonly started_from = input<string>();
  readonly started_to = input<string>();
  readonly ended_from = input<string>();
  readonly ended_to = input<string>();
  readonly min_files_failed = input<string>();
  readonly min_rows_rejected = input<string>();
  readonly min_duration_seconds = input<string>();
  private readonly preferences = inject(Preferences);

  protected readonly filters = FILTERS;
  protected readonly views = VIEWS;
  protected readonly order = computed(() => this.sort() ?? '-run_id');
  private readonly query = computed(() => ({
    state: listOf(this.state()),
    kind: listOf(this.kind()),
    target: this.target(),
    contract: this.contract(),
    source: this.source(),
    engine: this.engine(),
    started_by: this.started_by(),
    started_from: this.started_from(),
    started_to: this.started_to(),
    ended_from: this.ended_from(),
    ended_to: this.ended_to(),
    min_files_failed: this.min_files_failed(),
    min_rows_rejected: this.min_rows_rejected(),
    min_duration_seconds: this.min_duration_seconds(),
  }));
  protected readonly list = keysetList<ListedRun>(
    () => {
      const isUtc = this.preferences.zone() === 'UTC';
      const query: Record<string, QueryValue> = { sort: this.order() };
      for (const [name, value] of Object.entries(this.query())) {
        query[name] = bound(name, typeof value === 'object' ? value.join(',') : value, isUtc);
      }
      return apiUrl('/runs', query);
    },
    (run) => run.run_id,
  );
  protected readonly isFiltered = computed(() =>
    Object.values(this.query()).some((value) => value !== undefined && value.length > 0),
  );
  protected readonly ids = signal<ReadonlySet<number>>(new Set());
  protected readonly selected = computed(() =>
    this.list.items().filter((run) => this.ids().has(run.run_id)),
  );

  constructor() {
    reloadOn(this.list, (event) => event.run_id !== null);
  }

  protected clear(): void {
    this.ids.set(new Set());
  }
}
