import { Component, computed, inject, input } from '@angular/core';
import type { Bars } from '../../api/types.gen';
import { moment } from '../../core/formats';
import { Preferences } from '../../core/preferences';
import { SECONDS } from './bar-rows';

const WIDTH = 720;
const PRICES = 220;
const GAP = 12;
const VOLUMES = 50;
const LEFT = 86;
const TOP = 8;
const BOTTOM = 22;

/** Prices as candles, volumes as bars below. Hollow is up, filled is down: colour is not the only sign. */
@Component({
  selector: 'app-candles',
  templateUrl: './candles.html',
  styleUrl: './candles.scss',
})
export class Candles {
  readonly bars = input.required<Bars>();
  readonly name = input.required<string>();
  private readonly preferences = inject(Preferences);
  protected readonly viewBox = `0 ${-TOP} ${WIDTH} ${TOP + PRICES + GAP + VOLUMES + BOTTOM}`;
  protected readonly left = LEFT;
  protected readonly right = WIDTH;
  protected readonly foot = PRICES + GAP + VOLUMES;

  private readonly range = computed(() => {
    const items = this.bars().items;
    const low = Math.min(...items.map((bar) => Number(bar.low)));
    const high = Math.max(...items.map((bar) => Number(bar.high)));
    const pad = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.01 || 1;
    return { low: low - pad, high: high + pad };
  });
  private readonly times = computed(() => {
    const step = SECONDS[this.bars().interval] * 1000;
    const starts = this.bars().items.map((bar) => Date.parse(bar.at));
    const first = Math.min(...starts);
    const slots = Math.max(1, (Math.max(...starts) - first) / step + 1);
    return { first, step, slots };
  });

  protected readonly candles = computed(() => {
    const { first, step, slots } = this.times();
    const slot = (WIDTH - LEFT) / slots;
    const most = Math.max(...this.bars().items.map((bar) => Number(bar.volume ?? 0)), 0) || 1;
    const width = Math.max(Math.min(slot * 0.7, 16), 1);
    return this.bars().items.map((bar) => {
      const x = LEFT + ((Date.parse(bar.at) - first) / step + 0.5) * slot;
      const [open, close] = [this.y(bar.open), this.y(bar.close)];
      const volume = (VOLUMES * Number(bar.volume ?? 0)) / most;
      return {
        at: bar.at,
        x,
        left: x - width / 2,
        width,
        high: this.y(bar.high),
        low: this.y(bar.low),
        top: Math.min(open, close),
        height: Math.max(Math.abs(open - close), 1),
        isUp: close <= open,
        volumeTop: PRICES + GAP + VOLUMES - volume,
        volume,
        said: `${this.shown(bar.at)}: open ${bar.open}, high ${bar.high}, low ${bar.low}, close ${bar.close}, volume ${bar.volume ?? 'unknown'}, ${bar.trades} trades`,
      };
    });
  });
  protected readonly marks = computed(() => {
    const { low, high } = this.range();
    const digits = Math.max(0, Math.min(10, 2 - Math.floor(Math.log10(high - low))));
    return [0, 1, 2, 3, 4].map((step) => {
      const price = low + ((high - low) * step) / 4;
      return { y: PRICES - (PRICES * step) / 4, text: price.toFixed(digits) };
    });
  });
  protected readonly ends = computed(() => {
    const items = this.bars().items;
    const [first, last] = [items[0]?.at, items.at(-1)?.at];
    return {
      first: first ? this.shown(first) : '',
      last: last && last !== first ? this.shown(last) : '',
    };
  });
  protected readonly label = computed(() => {
    const items = this.bars().items;
    const [first, last] = [items[0], items.at(-1)];
    return `Prices of ${this.name()}: ${items.length} bars of ${this.bars().interval}, from ${first?.open ?? ''} to ${last?.close ?? ''}`;
  });

  private y(price: string): number {
    const { low, high } = this.range();
    return PRICES * (1 - (Number(price) - low) / (high - low));
  }

  private shown(at: string): string {
    return moment(new Date(at), this.preferences.timeZone());
  }
}
