import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FeedGaps, Run, Summary } from '../../api/types.gen';
import { Clock } from '../../core/clock';
import { Answer, Verdict, isClean, isComplete, isFast, isFresh } from './questions';
import { Span } from './window';

const SIGNS: Readonly<Record<Verdict, string>> = { good: '✓', warn: '!', bad: '✕', idle: '–' };

/** Four questions, each answered in a sentence, with the numbers behind it as links to their rows. */
@Component({
  selector: 'app-answers',
  imports: [RouterLink],
  templateUrl: './answers.html',
  styleUrl: './answers.scss',
})
export class Answers {
  readonly summary = input.required<Summary>();
  /** The last runs, the newest first: what is usual is told by them. */
  readonly runs = input.required<readonly Run[]>();
  readonly span = input.required<Span>();
  /** Seconds after which a target without a new file is late; undefined: its habit tells. */
  readonly patience = input<number>();
  /** The days that feeds lack; undefined while they are not known. */
  readonly gaps = input<readonly FeedGaps[]>();
  private readonly clock = inject(Clock);

  protected readonly signs = SIGNS;
  protected readonly answers = computed<readonly Answer[]>(() => {
    const [summary, runs, span, now] = [this.summary(), this.runs(), this.span(), this.clock.now()];
    return [
      isFresh(summary, runs, now, this.patience()),
      isComplete(summary, now, this.gaps()),
      isClean(summary, runs, span),
      isFast(summary, runs, span),
    ];
  });
  protected readonly isAllWell = computed(() =>
    this.answers().every((answer) => answer.verdict === 'good' || answer.verdict === 'idle'),
  );
}
