import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Run, Summary } from '../../api/types.gen';
import { Clock } from '../../core/clock';
import { age, bytes, count, percent, rate } from '../../core/formats';
import { Span } from './window';

type Verdict = 'good' | 'warn' | 'bad' | 'idle';

interface Fact {
  readonly text: string;
  readonly link: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly question: string;
  readonly verdict: Verdict;
  readonly said: string;
  readonly facts: readonly Fact[];
}

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
  readonly runs = input.required<readonly Run[]>();
  readonly span = input.required<Span>();
  private readonly clock = inject(Clock);

  protected readonly signs = SIGNS;
  protected readonly answers = computed(() => [
    this.fresh(),
    this.complete(),
    this.clean(),
    this.fast(),
  ]);
  protected readonly isAllWell = computed(() =>
    this.answers().every((answer) => answer.verdict === 'good' || answer.verdict === 'idle'),
  );

  /** The newest file of any feed; each feed with its own age. */
  private fresh(): Answer {
    const feeds = [...this.summary().freshness].sort((a, b) => a.age_seconds - b.age_seconds);
    const newest = feeds[0];
    const failed = this.lastOfEach().filter((run) => run.state !== 'succeeded' && run.ended_at);
    if (!newest) {
      return { question: 'Fresh?', verdict: 'idle', said: 'No file was loaded yet.', facts: [] };
    }
    const said = `The last file was loaded ${this.ago(newest.last_loaded_at)}.`;
    return {
      question: 'Fresh?',
      verdict: failed.length ? 'bad' : 'good',
      said: failed.length
        ? `${said} The last run of ${count(failed.length)} target did not succeed.`
        : said,
      facts: [
        ...failed.map((run) => ({
          text: `run ${run.run_id} ${run.state}`,
          link: ['/runs', String(run.run_id)],
        })),
        ...feeds.map((feed) => ({
          text: `${feed.target}, ${feed.contract}: ${this.ago(feed.last_loaded_at)}`,
          link: ['/files'],
          query: { target: feed.target, contract: feed.contract, sort: '-loaded_at' },
        })),
      ],
    };
  }

  private complete(): Answer {
    const { files_pending, bytes_pending, oldest_pending_at, files_failed } =
      this.summary().backlog;
    const facts: Fact[] = [];
    if (files_failed) {
      const query = { state: 'failed' };
      facts.push({ text: `${count(files_failed)} failed`, link: ['/files'], query });
    }
    if (files_pending) {
      const since = oldest_pending_at ? `, oldest ${this.ago(oldest_pending_at)}` : '';
      const text = `${count(files_pending)} waiting, ${bytes(bytes_pending)}${since}`;
      facts.push({ text, link: ['/files'], query: { state: 'pending' } });
    }
    const said = files_failed
      ? 'Some files could not be loaded.'
      : files_pending
        ? 'Some files wait to be loaded.'
        : 'Every file that was found is loaded or accounted for.';
    return {
      question: 'Complete?',
      verdict: files_failed ? 'bad' : files_pending ? 'warn' : 'good',
      said,
      facts,
    };
  }

  private clean(): Answer {
    const { reject_ratio, backlog } = this.summary();
    const facts: Fact[] = [];
    if (backlog.rejects_open) {
      const text = `${count(backlog.rejects_open)} open rejects`;
      facts.push({ text, link: ['/rejects'], query: { state: 'open' } });
    }
    const said =
      reject_ratio === null
        ? `No row was read in the last ${this.span().label}.`
        : reject_ratio === 0
          ? `No row was rejected in the last ${this.span().label}.`
          : `${percent(reject_ratio)} of the rows of the last ${this.span().label} were rejected.`;
    return { question: 'Clean?', verdict: backlog.rejects_open ? 'warn' : 'good', said, facts };
  }

  private fast(): Answer {
    const { buckets, rows_per_second } = this.summary();
    const rows = buckets.reduce((sum, bucket) => sum + bucket.rows_loaded, 0);
    const files = buckets.reduce((sum, bucket) => sum + bucket.files_loaded, 0);
    const said = rows
      ? `${count(rows)} rows of ${count(files)} files were loaded in the last ${this.span().label}.`
      : `Nothing was loaded in the last ${this.span().label}.`;
    const facts = rows
      ? [
          {
            text: `${rate(rows_per_second)} on average`,
            link: ['/runs'],
            query: { sort: '-rows_per_second' },
          },
        ]
      : [];
    return { question: 'Fast?', verdict: rows ? 'good' : 'idle', said, facts };
  }

  /** The newest run of each target. */
  private lastOfEach(): readonly Run[] {
    const last = new Map<string, Run>();
    for (const run of this.runs()) if (!last.has(run.target)) last.set(run.target, run);
    return [...last.values()];
  }

  private ago(at: string): string {
    return age(new Date(at), this.clock.now());
  }
}
