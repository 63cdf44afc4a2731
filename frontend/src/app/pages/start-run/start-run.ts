import {
  Component,
  ElementRef,
  Injector,
  afterNextRender,
  computed,
  inject,
  signal,
} from '@angular/core';
import { MatDialogModule, MatDialogRef } from '@angular/material/dialog';
import type { Contracts, Plan, RunRequestOut } from '../../api/types.gen';
import { Api, Refused, apiUrl, load } from '../../core/api';
import { count } from '../../core/formats';
import { idempotencyKey } from '../../core/idempotency';
import { Problem, problemOf } from '../../core/problem';
import { Session } from '../../core/session';
import { Copy } from '../../ui/copy';
import { FollowRun } from '../../ui/follow-run';
import { ProblemCard } from '../../ui/problem-card';
import { BASIC, MORE } from './fields';
import { OrderEntry } from './order-entry';
import { Draft, commandOf, mistakes, orderOf, planOf } from './order';
import { PlanView } from './plan-view';

const LISTED = 500;

/** Starts a run: what to load, a dry run of it, then the run itself. */
@Component({
  selector: 'app-start-run',
  imports: [Copy, FollowRun, MatDialogModule, OrderEntry, PlanView, ProblemCard],
  templateUrl: './start-run.html',
  styleUrl: './start-run.scss',
})
export class StartRun {
  private readonly api = inject(Api);
  private readonly injector = inject(Injector);
  private readonly element = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly session = inject(Session);
  protected readonly dialog = inject(MatDialogRef<StartRun>);
  protected readonly basic = BASIC;
  protected readonly more = MORE;
  protected readonly contracts = load<Contracts>(() => apiUrl('/contracts'));

  protected readonly draft = signal<Draft>({});
  protected readonly busy = signal<'' | 'planning' | 'starting'>('');
  /** Whether no source was named. */
  private readonly isBare = signal(false);
  protected readonly problem = signal<Problem | undefined>(undefined);
  private readonly planned = signal<{ readonly draft: Draft; readonly plan: Plan } | undefined>(
    undefined,
  );
  protected readonly requestId = signal<number | undefined>(undefined);
  private key = idempotencyKey();

  protected readonly plan = computed(() => this.planned()?.plan);
  /** Whether the dry run is that of the form as it is now. */
  protected readonly isPlanned = computed(() => this.planned()?.draft === this.draft());
  protected readonly command = computed(() => commandOf(this.draft()));
  protected readonly names = computed(() =>
    (this.contracts.value()?.items ?? []).map((contract) => contract.name),
  );
  private readonly against = computed(() => {
    const problem = this.problem();
    return problem ? mistakes(problem) : new Map<string, readonly string[]>();
  });
  /** Whether the problem is shown at fields alone. */
  protected readonly isAtFields = computed(
    () => this.against().size > 0 && !this.against().has(''),
  );
  protected readonly isMoreWrong = computed(() =>
    MORE.some((field) => this.against().has(field.name)),
  );
  protected readonly go = computed(() => {
    const files = this.plan()?.files_to_load ?? 0;
    if (files === 0) return 'Run, though nothing is to be loaded';
    return `Go: load ${count(files)} ${files === 1 ? 'file' : 'files'}`;
  });

  protected wrong(name: string): readonly string[] {
    if (name === 'sources' && this.isBare()) return ['Name at least one source.'];
    return this.against().get(name) ?? [];
  }

  /** What is known of the contract that is chosen. */
  protected note(name: string): string {
    if (name !== 'contract') return '';
    const all = this.contracts.value()?.items ?? [];
    const chosen = all.find((contract) => contract.name === this.draft()['contract']);
    return chosen ? `Into ${chosen.target}. ${chosen.description}` : '';
  }

  protected change(name: string, value: string): void {
    this.draft.update((draft) => ({ ...draft, [name]: value }));
    this.problem.set(undefined);
    this.isBare.set(false);
    this.key = idempotencyKey();
  }

  protected async dryRun(): Promise<void> {
    const draft = this.draft();
    this.isBare.set(orderOf(draft).sources.length === 0);
    if (this.isBare()) {
      this.lead();
      return;
    }
    await this.during('planning', async () => {
      const plan = await this.api.post<Plan>('/plans', planOf(orderOf(draft), LISTED));
      this.planned.set({ draft, plan });
    });
  }

  /** The key stays with the form as it is: pressed again after a lost answer, it begins no second run. */
  protected async start(): Promise<void> {
    await this.during('starting', async () => {
      const asked = await this.api.post<RunRequestOut>('/runs', orderOf(this.draft()), this.key);
      this.requestId.set(asked.run_request_id);
    });
  }

  protected again(): void {
    this.requestId.set(undefined);
    this.planned.set(undefined);
    this.key = idempotencyKey();
  }

  private async during(what: 'planning' | 'starting', action: () => Promise<void>): Promise<void> {
    this.busy.set(what);
    this.problem.set(undefined);
    try {
      await action();
    } catch (error) {
      this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
    } finally {
      this.busy.set('');
    }
    this.lead();
  }

  /** Lead the eye and the keyboard to the first field that is wrong, else to what has come. */
  private lead(): void {
    afterNextRender(
      () => {
        const found =
          this.element.nativeElement.querySelector<HTMLElement>('[aria-invalid="true"]') ??
          this.element.nativeElement.querySelector<HTMLElement>('[data-result]');
        found?.focus({ preventScroll: true });
        found?.scrollIntoView({ block: 'start' });
      },
      { injector: this.injector },
    );
  }
}
