import { Component, computed, inject, input, output, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Run, RunRequestOut } from '../../api/types.gen';
import { Api, Refused } from '../../core/api';
import { count } from '../../core/formats';
import { idempotencyKey } from '../../core/idempotency';
import { problemOf } from '../../core/problem';
import { Session } from '../../core/session';
import { Ask } from '../../ui/ask';
import { Outcome, Report } from './report';

/** What can be done with the runs that are selected, and what came of it for each of them. */
@Component({
  selector: 'app-bulk',
  imports: [Report, RouterLink],
  templateUrl: './bulk.html',
})
export class Bulk {
  readonly runs = input.required<readonly Run[]>();
  /** Nothing is to be selected any more. */
  readonly cleared = output();
  /** Something was asked for. */
  readonly done = output();
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);
  protected readonly session = inject(Session);

  protected readonly isBusy = signal(false);
  protected readonly title = signal('');
  protected readonly outcomes = signal<readonly Outcome[]>([]);

  protected readonly retryable = computed(() =>
    this.runs().filter((run) => run.state !== 'running' && run.files_failed > 0),
  );
  protected readonly running = computed(() => this.runs().filter((run) => run.state === 'running'));
  protected readonly pair = computed(() => {
    const [one, other, third] = this.runs().map((run) => run.run_id);
    if (one === undefined || other === undefined || third !== undefined) return undefined;
    return { left: Math.min(one, other), right: Math.max(one, other) };
  });
  protected readonly counted = runs;

  protected async retry(): Promise<void> {
    const chosen = this.retryable();
    const files = chosen.reduce((sum, run) => sum + run.files_failed, 0);
    const isSure = await this.ask.confirm({
      title: `Retry the failed files of ${runs(chosen.length)}?`,
      text: `${idsOf(chosen)}: ${count(files)} ${files === 1 ? 'file' : 'files'} failed. Those that have not been loaded since are tried again, in a new run for each of these runs.`,
      action: 'Retry',
    });
    if (isSure) {
      await this.each(`Retry of ${runs(chosen.length)}`, chosen, async (run) => {
        const asked = await this.api.post<RunRequestOut>(
          `/runs/${run.run_id}/retry`,
          {},
          idempotencyKey(),
        );
        return {
          runId: run.run_id,
          isDone: true,
          text: 'asked for.',
          follow: asked.run_request_id,
        };
      });
    }
  }

  protected async cancel(): Promise<void> {
    const chosen = this.running();
    const isSure = await this.ask.confirm({
      title: `Cancel ${runs(chosen.length)}?`,
      text: `${idsOf(chosen)}: the files that are being loaded are finished, no others are begun, and what is loaded stays.`,
      action: `Cancel ${runs(chosen.length)}`,
      isDangerous: true,
    });
    if (isSure) {
      await this.each(`Cancelling ${runs(chosen.length)}`, chosen, async (run) => {
        await this.api.post(`/runs/${run.run_id}/cancel`);
        return { runId: run.run_id, isDone: true, text: 'is told to stop.' };
      });
    }
  }

  protected forget(): void {
    this.outcomes.set([]);
  }

  /** One after the other: each write is answered before the next, so that the server is not flooded. */
  private async each(
    title: string,
    chosen: readonly Run[],
    action: (run: Run) => Promise<Outcome>,
  ): Promise<void> {
    this.title.set(title);
    this.outcomes.set([]);
    this.isBusy.set(true);
    for (const run of chosen) {
      const outcome = await action(run).catch((error: unknown) => refusal(run, error));
      this.outcomes.update((outcomes) => [...outcomes, outcome]);
    }
    this.isBusy.set(false);
    this.done.emit();
  }
}

function refusal(run: Run, error: unknown): Outcome {
  const problem = error instanceof Refused ? error.problem : problemOf(error);
  const text = [problem.detail, problem.hint].filter(Boolean).join('. ');
  return { runId: run.run_id, isDone: false, text };
}

function runs(number: number): string {
  return `${count(number)} ${number === 1 ? 'run' : 'runs'}`;
}

function idsOf(chosen: readonly Run[]): string {
  const ids = chosen.map((run) => run.run_id).join(', ');
  return `${chosen.length === 1 ? 'Run' : 'Runs'} ${ids}`;
}
