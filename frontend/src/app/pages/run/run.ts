import { Component, computed, effect, inject, input, linkedSignal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { EventPage, LiveProgress, RunDetail } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Clock } from '../../core/clock';
import { CountPipe, WordsPipe } from '../../core/formats';
import { Live, reloadOn } from '../../core/live';
import { hasFiles } from '../../core/outcomes';
import { listOf } from '../../core/query';
import { Copy } from '../../ui/copy';
import { FollowRun } from '../../ui/follow-run';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Tab, Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { AttemptsTab } from './attempts-tab';
import { Balance } from './balance';
import { ConfigurationTab } from './configuration-tab';
import { Duration } from './duration';
import { EventsTab } from './events-tab';
import { Failures } from './failures';
import { FilesTab } from './files-tab';
import { Moving, move } from './moving';
import { OverallProgress } from './overall-progress';
import { RunActions } from './run-actions';
import { Stages } from './stages';

const TABS: readonly Tab[] = [
  { name: 'files', label: 'Files' },
  { name: 'events', label: 'Events' },
  { name: 'attempts', label: 'Attempts' },
  { name: 'configuration', label: 'Configuration' },
];

const LOOK_AGAIN_MS = 10_000;
const MOST_FAILURES = 100;

function idOf(value: string | undefined): number | undefined {
  return value && /^[0-9]+$/.test(value) ? Number(value) : undefined;
}

/** A run: whether every row is accounted for, where the time went, each file, and what can be done. */
@Component({
  imports: [
    AttemptsTab,
    Balance,
    ConfigurationTab,
    Copy,
    CountPipe,
    Duration,
    EventsTab,
    Failures,
    FilesTab,
    OverallProgress,
    Panel,
    RouterLink,
    RunActions,
    FollowRun,
    Stages,
    State,
    Tabs,
    Time,
    WordsPipe,
  ],
  templateUrl: './run.html',
  styleUrl: './run.scss',
})
export default class RunPage {
  readonly run_id = input.required<string>();
  readonly tab = input<string>();
  /** The request for a run of this one's failed files, by its id. */
  readonly retry = input(undefined, { transform: idOf });
  readonly sort = input<string>();
  readonly state = input<string | readonly string[]>();
  readonly uri = input<string>();
  readonly kind = input<string | readonly string[]>();
  private readonly clock = inject(Clock);
  private readonly live = inject(Live);

  protected readonly tabs = TABS;
  protected readonly id = computed(() => Number(this.run_id()));
  protected readonly shown = computed(
    () =>
      TABS.find(({ name }) => name === this.tab())?.name ?? (this.hasFiles() ? 'files' : 'events'),
  );
  protected readonly states = computed(() => listOf(this.state()));
  protected readonly kinds = computed(() => listOf(this.kind()));

  protected readonly detail = load<RunDetail>(() =>
    apiUrl(`/runs/${encodeURIComponent(this.run_id())}`),
  );
  protected readonly hasFiles = computed(() => {
    const run = this.detail.value()?.run;
    return run === undefined || hasFiles(run);
  });
  protected readonly isRunning = computed(() => this.detail.value()?.run.state === 'running');
  private readonly plans = load<EventPage>(() =>
    this.isRunning()
      ? apiUrl(`/runs/${encodeURIComponent(this.run_id())}/events`, { kind: 'run_planned' })
      : undefined,
  );
  protected readonly bytesPlanned = computed(() => {
    const planned = this.plans.value()?.items.at(-1)?.detail['bytes_planned'];
    return typeof planned === 'number' ? planned : undefined;
  });
  protected readonly moving = linkedSignal<
    { progress: ReadonlyMap<number, LiveProgress>; id: number },
    Moving
  >({
    source: () => ({ progress: this.live.progress(), id: this.id() }),
    computation: ({ progress, id }, previous) => move(previous?.value, progress, id, Date.now()),
  });
  /** Seconds; of a running run they go on between two answers, by this machine's clock only. */
  protected readonly taken = computed(() => {
    const seconds = this.detail.value()?.run.duration_seconds ?? 0;
    const at = this.detail.loadedAt();
    const since = at && this.isRunning() ? (this.clock.now() - at.getTime()) / 1000 : 0;
    return seconds + Math.max(0, since);
  });
  protected readonly isCut = computed(
    () => (this.detail.value()?.failures.length ?? 0) >= MOST_FAILURES,
  );

  constructor() {
    reloadOn(this.detail, (event) => event.run_id === this.id());
    reloadOn(this.plans, (event) => event.run_id === this.id() && event.event === 'run_planned');
    // a process that dies tells nobody
    effect(() => {
      const at = this.detail.loadedAt();
      if (!this.isRunning() || !at || this.clock.now() - at.getTime() < LOOK_AGAIN_MS) return;
      untracked(() => {
        if (!this.detail.isLoading()) this.detail.reload();
      });
    });
  }
}
