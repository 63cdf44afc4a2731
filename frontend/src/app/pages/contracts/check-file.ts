import { Component, computed, inject, input, linkedSignal, signal } from '@angular/core';
import type { Problem, SampleCheck } from '../../api/types.gen';
import { Api, Refused } from '../../core/api';
import { problemOf } from '../../core/problem';
import { Panel } from '../../ui/panel';
import { ProblemCard } from '../../ui/problem-card';
import { CheckResult } from './check-result';
import { Sample, sampleOf } from './sample';

const REJECTS = 20;

/** Takes a file and says which contracts fit, and what would be rejected; nothing is stored. */
@Component({
  selector: 'app-check-file',
  imports: [CheckResult, Panel, ProblemCard],
  templateUrl: './check-file.html',
  styleUrl: './check-file.scss',
})
export class CheckFile {
  /** The contracts that files are tried against. */
  readonly names = input.required<readonly string[]>();
  /** Only this one. */
  readonly contract = input<string>();
  private readonly api = inject(Api);

  protected readonly chosen = linkedSignal(() => this.contract() ?? '');
  protected readonly file = signal<File | undefined>(undefined);
  protected readonly sample = signal<Sample | undefined>(undefined);
  protected readonly isOver = signal(false);
  protected readonly isBusy = signal(false);
  protected readonly problem = signal<Problem | undefined>(undefined);
  private readonly found = signal<readonly SampleCheck[]>([]);
  /** The contract that takes most of the file first. */
  protected readonly checks = computed(() =>
    [...this.found()].sort(
      (one, other) =>
        Number(other.check.passes) - Number(one.check.passes) ||
        other.check.rows_accepted - one.check.rows_accepted,
    ),
  );
  private turn = 0;

  protected async drop(event: DragEvent): Promise<void> {
    event.preventDefault();
    this.isOver.set(false);
    await this.take(event.dataTransfer?.files[0]);
  }

  protected over(event: DragEvent): void {
    event.preventDefault();
    this.isOver.set(true);
  }

  protected async choose(name: string): Promise<void> {
    this.chosen.set(name);
    await this.take(this.file());
  }

  /** Try a file; a file that comes meanwhile takes its place. */
  protected async take(file: File | undefined): Promise<void> {
    if (!file) return;
    const turn = (this.turn += 1);
    this.file.set(file);
    this.found.set([]);
    this.problem.set(undefined);
    this.sample.set(undefined);
    this.isBusy.set(true);
    try {
      const sample = await sampleOf(file);
      this.sample.set(sample);
      for (const name of this.chosen() ? [this.chosen()] : this.names()) {
        const check = await this.check(sample, name);
        if (turn !== this.turn) return;
        this.found.update((found) => [...found, check]);
      }
    } catch (error) {
      if (turn === this.turn) {
        this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
      }
    } finally {
      if (turn === this.turn) this.isBusy.set(false);
    }
  }

  private check(sample: Sample, contract: string): Promise<SampleCheck> {
    const form = new FormData();
    form.set('file', sample.body, sample.name);
    form.set('contract', contract);
    form.set('limit', String(REJECTS));
    return this.api.post<SampleCheck>('/contracts/check', form);
  }
}
