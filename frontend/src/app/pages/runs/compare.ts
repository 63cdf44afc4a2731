import { Component, computed, inject, input } from '@angular/core';
import { ActivatedRoute, RouterLink } from '@angular/router';
import type { EventPage, RunDetail } from '../../api/types.gen';
import { Loadable, Loaded, apiUrl, load } from '../../core/api';
import { reloadOn } from '../../core/live';
import { Query } from '../../core/query';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';
import { factsOf, failedOf, measuresOf, optionsOf, stagesOf } from './compare-rows';
import { FactsTable } from './facts-table';
import { FailedTable } from './failed-table';
import { MeasuresTable } from './measures-table';

const AT_MOST = 500;

/** Two runs side by side: what they were started with, what they did, where their time went, what failed. */
@Component({
  selector: 'app-compare',
  imports: [FactsTable, FailedTable, MeasuresTable, Panel, RouterLink, State, Time],
  templateUrl: './compare.html',
  styles: `
    .who {
      gap: 8px 32px;
      margin-bottom: 8px;
    }
    .control {
      width: 110px;
    }
    .check {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      min-height: 32px;
    }
  `,
})
export default class Compare {
  readonly left = input<string>();
  readonly right = input<string>();
  /** `1`: what is the same is left out. */
  readonly brief = input<string>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);

  protected readonly leftId = computed(() => idOf(this.left()));
  protected readonly rightId = computed(() => idOf(this.right()));
  protected readonly isBrief = computed(() => this.brief() === '1');
  protected readonly one = run(this.leftId);
  protected readonly other = run(this.rightId);
  private readonly oneFailed = failures(this.leftId);
  private readonly otherFailed = failures(this.rightId);
  protected readonly both = together(this.one, this.other);
  protected readonly bothFailed = together(this.oneFailed, this.otherFailed);

  protected readonly pair = computed(() => {
    const [left, right] = [this.one.value(), this.other.value()];
    if (!left || !right) return undefined;
    return {
      left: left.run,
      right: right.run,
      facts: factsOf(left, right),
      options: optionsOf(left, right),
      measures: measuresOf(left, right),
      stages: stagesOf(left, right),
    };
  });
  protected readonly failed = computed(() =>
    failedOf(this.oneFailed.value()?.items ?? [], this.otherFailed.value()?.items ?? []),
  );
  protected readonly partial = computed(() =>
    [this.oneFailed, this.otherFailed].some((events) => events.value()?.next_cursor)
      ? `the first ${AT_MOST} of each run`
      : '',
  );

  constructor() {
    for (const [id, read] of [
      [this.leftId, [this.one, this.oneFailed]],
      [this.rightId, [this.other, this.otherFailed]],
    ] as const) {
      for (const data of read) reloadOn(data, (event) => event.run_id === id());
    }
  }

  protected choose(left: string, right: string): void {
    this.query.set(this.route, { left, right });
  }

  protected setBrief(isBrief: boolean): void {
    this.query.set(this.route, { brief: isBrief ? 1 : null });
  }
}

function idOf(text: string | undefined): number | undefined {
  const id = Number(text);
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

function run(id: () => number | undefined): Loaded<RunDetail> {
  return load<RunDetail>(() => (id() ? apiUrl(`/runs/${id()}`) : undefined));
}

function failures(id: () => number | undefined): Loaded<EventPage> {
  return load<EventPage>(() =>
    id() ? apiUrl(`/runs/${id()}/events`, { kind: 'file_failed', limit: AT_MOST }) : undefined,
  );
}

/** Two things that are shown in one panel. */
function together(one: Loadable, other: Loadable): Loadable {
  return {
    problem: computed(() => one.problem() ?? other.problem()),
    isLoading: computed(() => one.isLoading() || other.isLoading()),
    hasValue: computed(() => one.hasValue() && other.hasValue()),
    loadedAt: computed(() => {
      const [at, otherAt] = [one.loadedAt(), other.loadedAt()];
      return at && otherAt && otherAt < at ? otherAt : at;
    }),
    reload: () => {
      one.reload();
      other.reload();
    },
  };
}
