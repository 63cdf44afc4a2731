import { Component, computed, inject, input, output, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Reject } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { CountPipe, FileNamePipe } from '../../core/formats';
import { KeysetList } from '../../core/keyset-list';
import { Session } from '../../core/session';
import { Marked, faultsOf } from '../../ui/marked';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Correction } from './correction';
import { Wanted } from './query';

/** The rows as they were delivered, with what is wrong in them. */
@Component({
  selector: 'app-reject-rows',
  imports: [Correction, CountPipe, FileNamePipe, Marked, More, Panel, RouterLink, State],
  templateUrl: './rows.html',
  styleUrl: './rows.scss',
})
export class Rows {
  readonly rows = input.required<KeysetList<Reject>>();
  readonly wanted = input.required<Wanted>();
  readonly states = input.required<string>();
  readonly sort = input<string>();
  readonly changed = output();
  protected readonly session = inject(Session);
  /** The reject that is being corrected. */
  protected readonly corrected = signal<number | undefined>(undefined);

  protected readonly shown = computed(() =>
    this.rows()
      .items()
      .map((reject) => ({ ...reject, faults: faultsOf(reject.reasons) })),
  );
  protected readonly exported = computed(() =>
    apiUrl('/rejects/export', { ...this.wanted(), state: this.states() }),
  );

  protected done(): void {
    this.corrected.set(undefined);
    this.changed.emit();
  }
}
