import { Component, computed, inject, input } from '@angular/core';
import { ActivatedRoute, RouterLink } from '@angular/router';
import type { Bar, Bars } from '../../api/types.gen';
import { QueryValue, apiUrl, load } from '../../core/api';
import { CountPipe } from '../../core/formats';
import { reloadOn } from '../../core/live';
import { Query } from '../../core/query';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';
import { grouped } from '../file/decimals';
import { rowsOfBar } from './bar-rows';
import { Candles } from './candles';

const INTERVALS = ['1s', '5s', '15s', '1m', '5m', '15m', '1h', '4h', '1d', '1w'];
/** As many the API gives at most. */
const MOST_BARS = 2000;

/** First, highest, lowest and last price of a symbol over time. */
@Component({
  selector: 'app-bars-panel',
  imports: [Candles, CountPipe, Panel, RouterLink, Time],
  templateUrl: './bars-panel.html',
  styles: `
    summary {
      min-height: 24px;
      margin-top: 8px;
      color: var(--link);
      cursor: pointer;
    }
    .table-scroll {
      max-height: 300px;
      overflow: auto;
    }
  `,
})
export class BarsPanel {
  readonly span = input.required<Readonly<Record<string, QueryValue>>>();
  readonly symbol = input<string>();
  readonly interval = input<string>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);
  protected readonly intervals = INTERVALS;
  protected readonly most = MOST_BARS;
  protected readonly grouped = grouped;
  protected readonly bars = load<Bars>(() =>
    apiUrl('/trades/bars', { ...this.span(), symbol: this.symbol(), interval: this.interval() }),
  );
  protected readonly items = computed(() => this.bars.value()?.items ?? []);
  protected readonly heading = computed(() => `Prices of ${this.symbol() ?? 'all trades'}`);

  constructor() {
    reloadOn(this.bars, (event) => event.event === 'run_ended', 5000);
  }

  protected rowsOf(bar: Bar): Record<string, string | undefined> {
    return rowsOfBar(bar.at, this.bars.value()?.interval ?? '1d', this.symbol());
  }

  protected choose(interval: string): void {
    this.query.set(this.route, { interval });
  }
}
