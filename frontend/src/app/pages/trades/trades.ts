import { Component, computed, inject, input } from '@angular/core';
import { ActivatedRoute, RouterLink } from '@angular/router';
import type { TradeTargets, TradedSymbols } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { reloadOn } from '../../core/live';
import { Query } from '../../core/query';
import { Panel } from '../../ui/panel';
import { BarsPanel } from './bars-panel';
import { HistoryPanel } from './history-panel';
import { RowsPanel } from './rows-panel';
import { neighbour } from './span';
import { SymbolsPanel } from './symbols-panel';

/** What landed: prices and volumes, the rows, and where each of them came from. */
@Component({
  selector: 'app-trades',
  imports: [BarsPanel, HistoryPanel, Panel, RouterLink, RowsPanel, SymbolsPanel],
  templateUrl: './trades.html',
  styleUrl: './trades.scss',
})
export default class Trades {
  readonly target = input<string>();
  readonly symbol = input<string>();
  readonly interval = input<string>();
  readonly event_from = input<string>();
  readonly event_to = input<string>();
  readonly file_id = input<string>();
  readonly row_number = input<string>();
  readonly key = input<string>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);

  protected readonly targets = load<TradeTargets>(() => apiUrl('/trades/targets'));
  protected readonly items = computed(() => this.targets.value()?.items ?? []);
  protected readonly chosen = computed(() => {
    const items = this.items();
    return (
      items.find(({ target }) => target === this.target()) ?? (this.target() ? undefined : items[0])
    );
  });
  /** What the other reads have in common. */
  protected readonly span = computed(() => ({
    target: this.target() ?? this.chosen()?.target,
    event_from: moment(this.event_from()),
    event_to: moment(this.event_to()),
    file_id: this.row_number() ? undefined : this.file_id(),
  }));
  protected readonly isReady = computed(() => this.span().target !== undefined);
  protected readonly symbols = load<TradedSymbols>(() =>
    this.isReady() ? apiUrl('/trades/symbols', this.span()) : undefined,
  );
  /** The symbol whose bars are shown: the one that is asked for, or the most traded one. */
  protected readonly shownSymbol = computed(
    () => this.symbol() ?? this.symbols.value()?.items[0]?.symbol ?? undefined,
  );

  constructor() {
    reloadOn(this.targets, (event) => event.event === 'run_ended', 5000);
    reloadOn(this.symbols, (event) => event.event === 'run_ended', 5000);
  }

  protected choose(target: string): void {
    this.query.set(this.route, {
      target,
      symbol: null,
      event_from: null,
      event_to: null,
      file_id: null,
      row_number: null,
      key: null,
    });
  }

  protected set(name: 'event_from' | 'event_to' | 'key', value: string): void {
    this.query.set(this.route, { [name]: value, ...(name === 'key' && { row_number: null }) });
  }

  /** Look at the span of the same length before, or after. */
  protected step(direction: -1 | 1): void {
    const { event_from, event_to } = this.symbols.value() ?? {};
    if (event_from && event_to) {
      this.query.set(this.route, neighbour(event_from, event_to, direction));
    }
  }

  protected everything(): void {
    this.query.set(this.route, { event_from: null, event_to: null, file_id: null, symbol: null });
  }
}

/** A date of the controls begins at midnight UTC; what other screens put into the address is a moment already. */
function moment(value: string | undefined): string | undefined {
  return value && /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value;
}
