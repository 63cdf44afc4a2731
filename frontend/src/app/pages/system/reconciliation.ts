import { Component, computed, inject, input, signal } from '@angular/core';
import type { Reconciliation, ReconciliationRequest } from '../../api/types.gen';
import { Api, Refused } from '../../core/api';
import { CountPipe, SecondsPipe } from '../../core/formats';
import { Problem, problemOf } from '../../core/problem';
import { Filter, Filters } from '../../ui/filters';
import { Panel } from '../../ui/panel';
import { ProblemCard } from '../../ui/problem-card';
import { ReconciledTargetPanel } from './reconciled-target';

const FILTERS: readonly Filter[] = [
  { name: 'target', label: 'Only this target', kind: 'text' },
  { name: 'run_id', label: 'Only files of this run', kind: 'number' },
];

/** Compares the ledger with the rows in the targets, when somebody asks. */
@Component({
  selector: 'app-reconciliation',
  imports: [CountPipe, Filters, Panel, ProblemCard, ReconciledTargetPanel, SecondsPipe],
  templateUrl: './reconciliation.html',
  styles: `
    app-filters {
      margin-bottom: 10px;
    }
  `,
})
export class ReconciliationPanel {
  readonly target = input<string>();
  readonly run_id = input<string>();
  private readonly api = inject(Api);
  protected readonly filters = FILTERS;
  protected readonly isBusy = signal(false);
  protected readonly result = signal<Reconciliation | undefined>(undefined);
  protected readonly problem = signal<Problem | undefined>(undefined);
  protected readonly mismatches = computed(
    () => this.result()?.targets.reduce((sum, target) => sum + target.mismatches.length, 0) ?? 0,
  );

  protected async reconcile(): Promise<void> {
    const target = this.target();
    const run = this.run_id();
    const wanted: ReconciliationRequest = {
      ...(target ? { target } : {}),
      ...(run ? { run_id: Number(run) } : {}),
    };
    this.isBusy.set(true);
    try {
      this.result.set(await this.api.post<Reconciliation>('/reconciliation', wanted));
      this.problem.set(undefined);
    } catch (error) {
      this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
    } finally {
      this.isBusy.set(false);
    }
  }
}
