import { Component, computed, inject, input, signal } from '@angular/core';
import type { Reject } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { keysetList } from '../../core/keyset-list';
import { reloadOn } from '../../core/live';
import { listOf } from '../../core/query';
import { Session } from '../../core/session';
import { Filters } from '../../ui/filters';
import { ByFile } from './by-file';
import { Commands } from './commands';
import { Groups } from './groups';
import { FILTERS, Wanted, meant } from './query';
import { Rows } from './rows';

/** Rows that broke their contract: what is wrong with them, and what can be done. */
@Component({
  selector: 'app-rejects',
  imports: [ByFile, Commands, Filters, Groups, Rows],
  templateUrl: './rejects.html',
})
export default class Rejects {
  readonly contract = input<string>();
  readonly reason = input<string>();
  readonly column = input<string>();
  readonly file_id = input<string>();
  readonly run_id = input<string>();
  readonly state = input<string | readonly string[]>();
  readonly days = input<string>();
  readonly sort = input<string>();
  protected readonly session = inject(Session);
  protected readonly filters = FILTERS;

  protected readonly wanted = computed<Wanted>(() => ({
    contract: this.contract(),
    reason: this.reason(),
    column: this.column(),
    file_id: this.file_id(),
    run_id: this.run_id(),
    days: this.days(),
  }));
  protected readonly states = computed(() => listOf(this.state()).join(','));
  protected readonly meant = computed(() => meant(this.wanted()));
  /** What is open can be loaded or discarded. */
  protected readonly isOpenShown = computed(
    () => this.states() === '' || this.states().split(',').includes('open'),
  );
  protected readonly rows = keysetList<Reject>(
    () => apiUrl('/rejects', { ...this.wanted(), state: this.states(), sort: this.sort() }),
    (reject) => reject.reject_id,
  );
  /** Counts the changes made here: what is shown is read again. */
  protected readonly changes = signal(0);

  constructor() {
    reloadOn(
      this.rows,
      (event) => event.event === 'file_loaded' || event.event === 'run_ended',
      2000,
    );
  }

  protected changed(): void {
    this.changes.update((changes) => changes + 1);
    this.rows.reload();
  }
}
