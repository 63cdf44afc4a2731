import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Summary } from '../../api/types.gen';
import { Loadable } from '../../core/api';
import { percent, short } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { Series, TimeChart } from '../../ui/time-chart';
import { ThroughputTable } from './throughput-table';
import { Span } from './window';

/** What was loaded and what was rejected, over time. */
@Component({
  selector: 'app-throughput',
  imports: [Panel, RouterLink, ThroughputTable, TimeChart],
  template: `
    <app-panel
      heading="Throughput"
      [data]="data()"
      [isEmpty]="!hasFiles()"
      [emptyText]="'Nothing was loaded in the last ' + span().label + '.'"
    >
      <nav actions aria-label="Time shown">
        @for (name of windows(); track name) {
          <a
            class="window"
            [routerLink]="[]"
            [queryParams]="{ window: name }"
            queryParamsHandling="merge"
            [attr.aria-current]="name === span().name ? 'true' : null"
            >{{ name }}</a
          >
        }
      </nav>
      <h3>Rows loaded</h3>
      <app-time-chart
        [times]="times()"
        [series]="loaded()"
        [label]="'Rows loaded in the last ' + span().label"
      />
      <h3>Share of rows rejected</h3>
      <app-time-chart
        [times]="times()"
        [series]="rejected()"
        [height]="120"
        [label]="'Share of rows rejected in the last ' + span().label"
      />
      @if (summary(); as summary) {
        <app-throughput-table [summary]="summary" />
      }
    </app-panel>
  `,
  styles: `
    nav {
      display: flex;
      gap: 4px;
    }
    .window {
      min-width: 40px;
      padding: 4px 8px;
      border-radius: 6px;
      text-align: center;
    }
    .window[aria-current] {
      font-weight: 700;
      color: var(--busy);
      background: var(--busy-back);
    }
  `,
})
export class Throughput {
  readonly data = input.required<Loadable>();
  readonly summary = input.required<Summary | undefined>();
  readonly span = input.required<Span>();
  readonly windows = input.required<readonly string[]>();

  private readonly buckets = computed(() => this.summary()?.buckets ?? []);
  protected readonly hasFiles = computed(() =>
    this.buckets().some((bucket) => bucket.files_loaded > 0 || bucket.files_failed > 0),
  );
  protected readonly times = computed(() =>
    this.buckets().map((bucket) => Date.parse(bucket.at) / 1000),
  );
  protected readonly loaded = computed<readonly Series[]>(() => [
    {
      label: 'rows loaded',
      values: this.buckets().map((bucket) => bucket.rows_loaded),
      colour: '--busy',
      isBars: true,
      format: short,
    },
  ]);
  protected readonly rejected = computed<readonly Series[]>(() => [
    {
      label: 'rejected',
      values: this.buckets().map((bucket) => bucket.reject_ratio),
      colour: '--warn',
      isBars: true,
      format: percent,
    },
  ]);
}
