import { Component, computed, input } from '@angular/core';
import type { Freshness } from '../../api/types.gen';
import { Panel } from '../../ui/panel';
import { DayState } from './days';
import { FeedDays } from './feed-days';

const LEGEND: readonly (readonly [DayState, string])[] = [
  ['loaded', 'loaded'],
  ['partial', '◐ partial: less than half of what this weekday has'],
  ['missing', '✕ missing: this weekday had rows in two of the four weeks before'],
  ['late', '◷ late: the same, after the newest day'],
  ['holiday', '– holiday of the contract'],
  ['none', 'nothing expected'],
];

/** The trading days of each feed. */
@Component({
  selector: 'app-calendar',
  imports: [FeedDays, Panel],
  template: `
    <app-panel heading="Trading days" [isEmpty]="!shown().length" emptyText="No feed has rows yet.">
      <div class="feeds">
        @for (feed of shown(); track feed.target + ' ' + feed.contract) {
          <app-feed-days [feed]="feed" />
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
    .feeds {
      display: grid;
      gap: 0 24px;
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 664px), 1fr));
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
    .holiday,
    .none {
      background: var(--idle-back);
    }
    .holiday {
      border-color: var(--idle);
    }
  `,
})
export class Calendar {
  readonly feeds = input.required<readonly Freshness[]>();
  protected readonly legend = LEGEND;

  /** Those with rows: a day of the others is not to be expected. */
  protected readonly shown = computed(() => this.feeds().filter((feed) => feed.last_event_at));
}
