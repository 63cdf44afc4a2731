import { Component, computed, input } from '@angular/core';
import type { Freshness } from '../../api/types.gen';
import { Panel } from '../../ui/panel';
import { DayState } from './days';
import { Target, TargetDays } from './target-days';

const LEGEND: readonly (readonly [DayState, string])[] = [
  ['loaded', 'loaded'],
  ['partial', '◐ partial: less than half of what this weekday has'],
  ['missing', '✕ missing: this weekday had rows in two of the four weeks before'],
  ['late', '◷ late: the same, after the newest day'],
  ['none', 'nothing expected'],
];

/** The trading days of each target. */
@Component({
  selector: 'app-calendar',
  imports: [TargetDays, Panel],
  template: `
    <app-panel
      heading="Trading days"
      [isEmpty]="!targets().length"
      emptyText="No target has rows yet."
    >
      <div class="targets">
        @for (target of targets(); track target.name) {
          <app-target-days [target]="target" />
        }
      </div>
      <ul class="muted" aria-label="What the colours and signs of the days mean">
        @for (item of legend; track item[0]) {
          <li><span [class]="item[0]" aria-hidden="true"></span> {{ item[1] }}</li>
        }
      </ul>
    </app-panel>
  `,
  styles: `
    .targets {
      display: grid;
      gap: 0 24px;
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr));
    }
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: 4px 16px;
      margin: 12px 0 0;
      padding: 0;
      font-size: 12.5px;
      list-style: none;
    }
    li {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    span {
      flex: none;
      width: 14px;
      height: 14px;
      border: 1px solid var(--line);
      border-radius: 3px;
    }
    .loaded {
      background: var(--good);
    }
    .partial {
      background: var(--warn);
    }
    .missing {
      background: var(--bad);
    }
    .late {
      border-color: var(--warn);
      background: var(--warn-back);
      color: var(--warn);
    }
    .none {
      background: var(--idle-back);
    }
  `,
})
export class Calendar {
  readonly feeds = input.required<readonly Freshness[]>();
  protected readonly legend = LEGEND;

  protected readonly targets = computed<readonly Target[]>(() => {
    const targets = new Map<string, Target>();
    for (const { target, contract, last_event_at } of this.feeds()) {
      if (!last_event_at) continue;
      const known = targets.get(target);
      const last = known && known.last > last_event_at ? known.last : last_event_at;
      targets.set(target, {
        name: target,
        last,
        contracts: [...(known?.contracts ?? []), contract],
      });
    }
    return [...targets.values()];
  });
}
