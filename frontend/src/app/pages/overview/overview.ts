import { Component, computed, inject, input } from '@angular/core';
import type { Gaps, Run, RunPage, Settings, Summary } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Clock } from '../../core/clock';
import { reloadOn } from '../../core/live';
import { Panel } from '../../ui/panel';
import { Answers } from './answers';
import { Calendar } from './calendar';
import { NowRunning } from './now-running';
import { RunStrip } from './run-strip';
import { Throughput } from './throughput';
import { WINDOWS, spanOf } from './window';

const RUNS_SHOWN = 50;
const MINUTE_MS = 60_000;
const LATE = 'notify_late_hours';

/** Whether the data is fresh, complete and clean, and how fast it came. */
@Component({
  imports: [Answers, Calendar, NowRunning, Panel, RunStrip, Throughput],
  templateUrl: './overview.html',
})
export default class Overview {
  /** How much time the figures are of, by its name in the address. */
  readonly window = input<string>();
  private readonly clock = inject(Clock);

  protected readonly windows = Object.keys(WINDOWS);
  protected readonly span = computed(() => spanOf(this.window()));
  private readonly minute = computed(() => Math.floor(this.clock.now() / MINUTE_MS) * MINUTE_MS);
  protected readonly summary = load<Summary>(
    () => {
      const { seconds, bucket } = this.span();
      const start = new Date(this.minute() - seconds * 1000).toISOString();
      return apiUrl('/metrics/summary', { start, bucket });
    },
    () => this.span().name,
  );
  protected readonly latest = load<RunPage>(() => apiUrl('/runs', { limit: RUNS_SHOWN }));
  private readonly lacking = load<Gaps>(() => apiUrl('/coverage/gaps'));
  protected readonly gaps = computed(() => this.lacking.value()?.items);
  private readonly settings = load<Settings>(() => apiUrl('/system/settings'));
  /** Seconds after which the server tells that a target is late, where it is set up to. */
  protected readonly patience = computed(() => {
    const hours = this.settings.value()?.items.find(({ name }) => name === LATE)?.value;
    return typeof hours === 'number' ? hours * 3600 : undefined;
  });
  protected readonly runs = computed<readonly Run[]>(() => this.latest.value()?.items ?? []);
  protected readonly running = computed(() => this.runs().filter((run) => run.state === 'running'));
  protected readonly isNew = computed(() => this.latest.hasValue() && !this.runs().length);
  protected readonly feeds = computed(() => this.summary.value()?.freshness ?? []);

  constructor() {
    reloadOn(this.latest, (event) => event.event.startsWith('run_'));
    reloadOn(this.summary, (event) => event.event !== 'run_planned', 2000);
    reloadOn(this.lacking, (event) => event.event === 'run_ended', 10_000);
  }
}
