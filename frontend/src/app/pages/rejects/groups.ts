import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { ActivatedRoute, RouterLink } from '@angular/router';
import type { RejectGroup, RejectGroups } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { CountPipe, words } from '../../core/formats';
import { reloadOn } from '../../core/live';
import { Query } from '../../core/query';
import { Panel } from '../../ui/panel';
import { USUAL_DAYS, Wanted } from './query';
import { Trend } from './trend';

const SPANS: readonly (readonly [string, string])[] = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'a year'],
  ['3660', 'ten years'],
];
const SHOWN = 200;

/** Rejects by contract, reason and column, the most frequent first. */
@Component({
  selector: 'app-reject-groups',
  imports: [CountPipe, Panel, RouterLink, Trend],
  templateUrl: './groups.html',
  styleUrl: './groups.scss',
})
export class Groups {
  readonly wanted = input.required<Wanted>();
  readonly states = input.required<string>();
  readonly changes = input.required<number>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);
  protected readonly spans = SPANS;
  protected readonly words = words;
  protected readonly span = computed(() => this.wanted().days ?? USUAL_DAYS);
  protected readonly groups = load<RejectGroups>(() =>
    apiUrl('/rejects/groups', { ...this.wanted(), state: this.states(), days: this.span() }),
  );
  private readonly all = computed(() => this.groups.value()?.items ?? []);
  protected readonly shown = computed(() => this.all().slice(0, SHOWN));
  protected readonly partial = computed(() =>
    this.all().length > SHOWN ? `the first ${SHOWN} of ${this.all().length}` : '',
  );
  protected readonly most = computed(() =>
    Math.max(1, ...this.shown().flatMap((group) => group.days.map((day) => day.rejects))),
  );
  protected readonly isFiltered = computed(
    () => this.states() !== '' || Object.values(this.wanted()).some(Boolean),
  );

  constructor() {
    reloadOn(
      this.groups,
      (event) => event.event === 'file_loaded' || event.event === 'run_ended',
      2000,
    );
    effect(() => {
      if (this.changes()) untracked(() => this.groups.reload());
    });
  }

  protected rowsOf(group: RejectGroup): Record<string, string | null> {
    return {
      contract: group.contract,
      reason: group.reason,
      column: group.column,
      days: this.span(),
    };
  }

  protected look(span: string): void {
    this.query.set(this.route, { days: span });
  }
}
