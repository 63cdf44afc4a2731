import {
  Component,
  ElementRef,
  afterNextRender,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { Problem, Reject, ReplayIn, ReplayOut } from '../../api/types.gen';
import { Api, Refused } from '../../core/api';
import { problemOf } from '../../core/problem';
import { Ask } from '../../ui/ask';
import { ProblemCard } from '../../ui/problem-card';
import { Outcome } from './outcome';

/** One row, to be corrected: tried first, then loaded. */
@Component({
  selector: 'app-correction',
  imports: [Outcome, ProblemCard],
  templateUrl: './correction.html',
  styleUrl: './correction.scss',
})
export class Correction {
  readonly reject = input.required<Reject>();
  readonly closed = output();
  readonly loaded = output();
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);
  private readonly entry = viewChild.required<ElementRef<HTMLTextAreaElement>>('entry');

  protected readonly text = linkedSignal(() => this.reject().raw_text);
  protected readonly outcome = signal<ReplayOut | undefined>(undefined);
  protected readonly problem = signal<Problem | undefined>(undefined);
  protected readonly isBusy = signal(false);

  constructor() {
    afterNextRender(() => this.entry().nativeElement.focus());
  }

  /** What was said of another text holds no more. */
  protected edit(text: string): void {
    this.text.set(text);
    this.outcome.set(undefined);
    this.problem.set(undefined);
  }

  protected async try(): Promise<void> {
    this.outcome.set(await this.send(true));
  }

  protected async load(): Promise<void> {
    const outcome = await this.send(false);
    this.outcome.set(outcome);
    if (outcome && outcome.rows_loaded + outcome.rows_duplicate > 0) {
      this.ask.tell(
        outcome.rows_loaded
          ? `Row ${this.reject().row_number} is loaded, by run ${outcome.run_id}.`
          : `Row ${this.reject().row_number} is in the target already: it counts as a duplicate.`,
      );
      this.loaded.emit();
    }
  }

  private async send(preview: boolean): Promise<ReplayOut | undefined> {
    const body: ReplayIn = {
      corrected: [{ reject_id: this.reject().reject_id, raw_text: this.text() }],
      preview,
    };
    this.isBusy.set(true);
    this.problem.set(undefined);
    try {
      return await this.api.post<ReplayOut>('/rejects/replay', body);
    } catch (error) {
      this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
      return undefined;
    } finally {
      this.isBusy.set(false);
    }
  }
}
