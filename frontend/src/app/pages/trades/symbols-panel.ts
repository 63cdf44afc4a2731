import { Component, computed, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { SymbolPrices, TradedSymbols } from '../../api/types.gen';
import { Loaded } from '../../core/api';
import { CountPipe } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';
import { grouped } from '../file/decimals';

type By = 'symbol' | 'trades' | 'volume' | 'last_at';
/** As many the API gives at most. */
const MOST_SYMBOLS = 500;

/** The latest price and the volume of each symbol. */
@Component({
  selector: 'app-symbols-panel',
  imports: [CountPipe, Panel, RouterLink, Time],
  templateUrl: './symbols-panel.html',
  styles: `
    .table-scroll {
      max-height: 420px;
      overflow: auto;
    }
    [aria-current] {
      font-weight: 700;
    }
    th button {
      min-height: 24px;
      padding: 0;
      border: 0;
      background: none;
      color: inherit;
      font: inherit;
      cursor: pointer;
    }
  `,
})
export class SymbolsPanel {
  readonly symbols = input.required<Loaded<TradedSymbols>>();
  readonly shown = input<string>();
  protected readonly heads: readonly (readonly [By, string, boolean])[] = [
    ['symbol', 'Symbol', false],
    ['trades', 'Trades', true],
    ['volume', 'Volume', true],
    ['last_at', 'At', false],
  ];
  protected readonly most = MOST_SYMBOLS;
  protected readonly grouped = grouped;
  protected readonly by = signal<By>('trades');
  protected readonly isAscending = signal(false);
  protected readonly items = computed(() => {
    const by = this.by();
    const sign = this.isAscending() ? 1 : -1;
    return [...(this.symbols().value()?.items ?? [])].sort(
      (one, other) => sign * compare(one, other, by),
    );
  });

  protected sort(by: By): void {
    this.isAscending.set(this.by() === by ? !this.isAscending() : by === 'symbol');
    this.by.set(by);
  }
}

function compare(one: SymbolPrices, other: SymbolPrices, by: By): number {
  if (by === 'trades') return one.trades - other.trades;
  if (by === 'volume') return Number(one.volume) - Number(other.volume);
  return (one[by] ?? '').localeCompare(other[by] ?? '');
}
