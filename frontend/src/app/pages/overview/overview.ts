import { Component, computed, input } from '@angular/core';
import type { RunPage, Run, Summary } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { reloadOn } from '../../core/live';
import { Panel } from '../../ui/panel';
import { Answers } from './answers';
import { Calendar } from './calendar';
import { NowRunning } from './now-running';
import { RunStrip } from './run-strip';
import { Throughput } from './throughput';
import { WINDOWS, spanOf } from './window';

const RUNS_SHOWN = 50;

/** Whether the data is fresh, complete and clean, and how fast it came. */
@Component({
  imports: [Answers, Calendar, NowRunning, Panel, RunStrip, Throughput],
  templateUrl: './overview.html',
})
export default class Overview {
  /** How much time the figures are of, by its name in the address. */
  readonly window = input<string>();

  protected readonly windows = Object.keys(WINDOWS);
  protected readonly span = computed(() => spanOf(this.window()));
  protected readonly summary = load<Summary>(() => {
    const { seconds, bucket } = this.span();
    const start = new Date(Date.now() - seconds * 1000).toISOString();
    return apiUrl('/metrics/summary', { start, bucket });
  });
  protected readonly latest = load<RunPage>(() => apiUrl('/runs', { limit: RUNS_SHOWN }));
  protected readonly runs = computed<readonly Run[]>(() => this.latest.value()?.items ?? []);
  protected readonly running = computed(() => this.runs().filter((run) => run.state === 'running'));
  protected readonly isNew = computed(() => this.latest.hasValue() && !this.runs().length);
  protected readonly feeds = computed(() => this.summary.value()?.freshness ?? []);

  constructor() {
    reloadOn(this.latest, (event) => event.event.startsWith('run_'));
    reloadOn(this.summary, (event) => event.event !== 'run_planned', 2000);
  }
}
