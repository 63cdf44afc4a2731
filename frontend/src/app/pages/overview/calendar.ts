import { Component, computed, input } from '@angular/core';
import type { Freshness } from '../../api/types.gen';
import { Panel } from '../../ui/panel';
import { Target, TargetDays } from './target-days';

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
      <p class="muted legend">
        <span class="loaded" aria-hidden="true"></span> loaded
        <span class="partial" aria-hidden="true">◐</span> partial: less than half of what this
        weekday has <span class="missing" aria-hidden="true">✕</span> missing: this weekday had rows
        in two of the four weeks before <span class="late" aria-hidden="true">◷</span> late: the
        same, after the newest day <span class="none" aria-hidden="true"></span> nothing expected
      </p>
    </app-panel>
  `,
  styles: `
    .targets {
      display: grid;
      gap: 0 24px;
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr));
    }
    .legend {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 8px;
      margin: 12px 0 0;
      font-size: 12.5px;
    }
    .legend span {
      width: 14px;
      height: 14px;
      margin-left: 8px;
      border-radius: 3px;
      border: 1px solid var(--line);
      color: var(--panel);
      font-size: 11px;
      font-weight: 700;
      line-height: 12px;
      text-align: center;
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
    .legend .late {
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
