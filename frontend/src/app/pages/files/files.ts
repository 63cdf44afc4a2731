import { Component, computed, inject, input, linkedSignal } from '@angular/core';
import { ActivatedRoute } from '@angular/router';
import type { File } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { keysetList } from '../../core/keyset-list';
import { reloadOn } from '../../core/live';
import { Query } from '../../core/query';
import { Filters } from '../../ui/filters';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { FilesTable } from './files-table';
import { FILTERS, FIRST_FILTERS, FilterName, asked, sortOf } from './query';

type Given = string | readonly string[] | undefined;

/** All files that the ledger knows. */
@Component({
  selector: 'app-files',
  imports: [Filters, FilesTable, More, Panel],
  templateUrl: './files.html',
  styleUrl: './files.scss',
})
export default class Files {
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);

  readonly uri = input<string>();
  readonly state = input<Given>();
  readonly reason = input<string>();
  readonly contract = input<string>();
  readonly target = input<string>();
  readonly run_id = input<string>();
  readonly loaded_from = input<string>();
  readonly loaded_to = input<string>();
  readonly discovered_from = input<string>();
  readonly discovered_to = input<string>();
  readonly event_from = input<string>();
  readonly event_to = input<string>();
  readonly min_size_bytes = input<string>();
  readonly max_size_bytes = input<string>();
  readonly min_rows_rejected = input<string>();
  readonly sort = input<string>();

  protected readonly order = computed(() => sortOf(this.sort(), this.run_id()));
  private readonly given = computed(() =>
    FILTERS.map(({ name }) => [name, asked(name, this.of(name))] as const).filter(
      ([, value]) => value,
    ),
  );
  protected readonly isFiltered = computed(() => this.given().length > 0);
  protected readonly isWide = linkedSignal(() =>
    this.given().some(([name]) => !FIRST_FILTERS.some((filter) => filter.name === name)),
  );
  protected readonly filters = computed(() => (this.isWide() ? FILTERS : FIRST_FILTERS));
  protected readonly files = keysetList<File>(
    () => apiUrl('/files', { ...Object.fromEntries(this.given()), sort: this.order() }),
    (file) => file.file_id,
  );

  constructor() {
    reloadOn(
      this.files,
      (event) =>
        event.file_id !== null || event.event === 'run_planned' || event.event === 'run_ended',
      2000,
    );
  }

  protected clear(): void {
    this.query.set(this.route, Object.fromEntries(FILTERS.map(({ name }) => [name, null])));
  }

  private of(name: FilterName): Given {
    return this[name]();
  }
}
