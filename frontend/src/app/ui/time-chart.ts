import {
  Component,
  ElementRef,
  DestroyRef,
  afterRenderEffect,
  inject,
  input,
  viewChild,
} from '@angular/core';
import type uPlot from 'uplot';
import { Preferences } from '../core/preferences';

const DAY = '\n{YYYY}-{MM}-{DD}';
/** Of the axis, by the least distance of its marks in seconds: the text, and what is added where year or day change. */
const DATES: uPlot.Axis.DynamicValues | uPlot.Axis.Values = [
  [31_536_000, '{YYYY}', null, null, null, null, null, null, 1],
  [86_400, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', DAY, null, DAY, null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', DAY, null, DAY, null, null, null, 1],
];

/** A line, or a band of bars, over time. */
export interface Series {
  readonly label: string;
  /** One per moment; null leaves a gap. */
  readonly values: readonly (number | null)[];
  /** A colour of the theme: `--good`. */
  readonly colour: string;
  readonly isBars?: boolean;
  readonly format: (value: number) => string;
}

/** Numbers over time. The library for it is loaded when the first chart is shown. */
@Component({
  selector: 'app-time-chart',
  template: ` <div #place role="img" [attr.aria-label]="label()"></div> `,
  styles: `
    :host {
      display: block;
      min-width: 0;
    }
    div {
      width: 100%;
    }
  `,
})
export class TimeChart {
  /** Seconds since 1970, ascending. */
  readonly times = input.required<readonly number[]>();
  readonly series = input.required<readonly Series[]>();
  /** What it shows, for those who do not see it. */
  readonly label = input.required<string>();
  readonly height = input(180);
  private readonly place = viewChild.required<ElementRef<HTMLElement>>('place');
  private readonly preferences = inject(Preferences);
  private chart: uPlot | undefined;
  private observer: ResizeObserver | undefined;
  private version = 0;

  constructor() {
    afterRenderEffect(() => {
      const data = [
        this.times(),
        ...this.series().map((series) => series.values),
      ] as uPlot.AlignedData;
      this.preferences.theme();
      void this.draw(data, this.series(), this.preferences.timeZone());
    });
    inject(DestroyRef).onDestroy(() => {
      this.version = -1;
      this.observer?.disconnect();
      this.chart?.destroy();
    });
  }

  private async draw(
    data: uPlot.AlignedData,
    series: readonly Series[],
    timeZone?: string,
  ): Promise<void> {
    const version = (this.version += 1);
    const { default: Chart } = await import('uplot');
    if (version !== this.version) return;
    const place = this.place().nativeElement;
    this.chart?.destroy();
    const style = getComputedStyle(place);
    const probe = document.createElement('span');
    place.append(probe);
    const colour = (name: string): string => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const axis: uPlot.Axis = {
      stroke: colour('--text-2'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    const format = series[0]?.format ?? String;
    this.chart = new Chart(
      {
        width: place.clientWidth || 300,
        height: this.height(),
        tzDate: (seconds) =>
          timeZone ? Chart.tzDate(new Date(seconds * 1000), timeZone) : new Date(seconds * 1000),
        cursor: { y: false },
        legend: { live: true },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { ...axis, values: DATES },
          { ...axis, size: 70, values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          { value: '{YYYY}-{MM}-{DD} {HH}:{mm}' },
          ...series.map((one) => ({
            label: one.label,
            stroke: colour(one.colour),
            fill: one.isBars ? colour(one.colour) : undefined,
            width: one.isBars ? 0 : 2,
            paths: one.isBars ? Chart.paths.bars?.({ size: [0.8, 60] }) : undefined,
            points: { show: !one.isBars && one.values.length < 40 },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : one.format(value)),
          })),
        ],
      },
      data,
      place,
    );
    probe.remove();
    this.observer ??= new ResizeObserver(() => {
      if (this.chart && place.clientWidth)
        this.chart.setSize({ width: place.clientWidth, height: this.height() });
    });
    this.observer.observe(place);
  }
}
