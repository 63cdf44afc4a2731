import { Component, computed, effect, inject, input, output, signal } from '@angular/core';
import type {
  DiscardIn,
  DiscardOut,
  Problem,
  RejectPage,
  ReplayIn,
  ReplayOut,
} from '../../api/types.gen';
import { Api, Refused } from '../../core/api';
import { count } from '../../core/formats';
import { problemOf } from '../../core/problem';
import { Ask } from '../../ui/ask';
import { Panel } from '../../ui/panel';
import { ProblemCard } from '../../ui/problem-card';
import { Outcome } from './outcome';
import { Wanted } from './query';

type Meant = ReplayIn & Omit<DiscardIn, 'why'>;

/** What can be done with all open rejects that the filters leave. */
@Component({
  selector: 'app-reject-commands',
  imports: [Outcome, Panel, ProblemCard],
  templateUrl: './commands.html',
  styleUrl: './commands.scss',
})
export class Commands {
  readonly wanted = input.required<Wanted>();
  readonly meant = input.required<Meant>();
  readonly changed = output();
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);

  protected readonly usesPresent = signal(false);
  protected readonly preview = signal<ReplayOut | undefined>(undefined);
  protected readonly done = signal<ReplayOut | undefined>(undefined);
  protected readonly problem = signal<Problem | undefined>(undefined);
  protected readonly isBusy = signal(false);
  protected readonly why = signal('');
  protected readonly canLoad = computed(
    () => (this.preview()?.rows_loaded ?? 0) + (this.preview()?.rows_duplicate ?? 0) > 0,
  );

  constructor() {
    effect(() => {
      this.meant();
      this.forget();
      this.done.set(undefined);
    });
  }

  protected choose(usesPresent: boolean): void {
    this.usesPresent.set(usesPresent);
    this.forget();
  }

  protected async try(): Promise<void> {
    this.done.set(undefined);
    const result = await this.send(() => this.replay(true));
    this.preview.set(result);
  }

  protected async load(): Promise<void> {
    const result = await this.send(() => this.replay(false));
    if (!result) return;
    this.preview.set(undefined);
    this.done.set(result);
    this.changed.emit();
  }

  protected async discard(): Promise<void> {
    const why = this.why().trim();
    if (!why) return;
    const counted = { ...this.wanted(), state: 'open', limit: 1, include: 'total' };
    const found = await this.send(() => this.api.get<RejectPage>('/rejects', counted));
    if (!found) return;
    const rejects = `${found.total_is_exact ? '' : 'more than '}${count(found.total)}`;
    const isSure = await this.ask.confirm({
      title: `Discard ${rejects} rejects?`,
      text: `They stay in the ledger with your reason “${why}”, and are not loaded any more: this cannot be taken back.`,
      action: `Discard ${rejects}`,
      isDangerous: true,
    });
    if (!isSure) return;
    const body: DiscardIn = { ...this.meant(), why };
    const result = await this.send(() => this.api.post<DiscardOut>('/rejects/discard', body));
    if (!result) return;
    this.ask.tell(`${count(result.rejects)} rejects are discarded.`);
    this.why.set('');
    this.forget();
    this.changed.emit();
  }

  private replay(preview: boolean): Promise<ReplayOut> {
    const body: ReplayIn = { ...this.meant(), preview };
    if (this.meant().contract) body.use_present_contract = this.usesPresent();
    return this.api.post<ReplayOut>('/rejects/replay', body);
  }

  private async send<T>(action: () => Promise<T>): Promise<T | undefined> {
    this.isBusy.set(true);
    this.problem.set(undefined);
    try {
      return await action();
    } catch (error) {
      this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
      return undefined;
    } finally {
      this.isBusy.set(false);
    }
  }

  private forget(): void {
    this.preview.set(undefined);
    this.problem.set(undefined);
  }
}
