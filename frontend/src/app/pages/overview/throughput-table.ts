import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Bucket, Summary } from '../../api/types.gen';
import { BytesPipe, CountPipe, SharePipe } from '../../core/formats';
import { Time } from '../../ui/time';

/** The throughput as numbers: the spans of time in which something came in, the latest first, with their files. */
@Component({
  selector: 'app-throughput-table',
  imports: [BytesPipe, CountPipe, RouterLink, SharePipe, Time],
  template: `
    <details>
      <summary>As a table</summary>
      <div class="table-scroll" tabindex="0" role="region" aria-label="Throughput, scrolls">
        <table class="data">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" class="number">Files loaded</th>
              <th scope="col" class="number">Attempts that failed</th>
              <th scope="col" class="number">Rows loaded</th>
              <th scope="col" class="number">Rows rejected</th>
              <th scope="col" class="number">Share rejected</th>
              <th scope="col" class="number">Bytes</th>
            </tr>
          </thead>
          <tbody>
            @for (bucket of busy(); track bucket.at) {
              <tr>
                <td><app-time [at]="bucket.at" [isExact]="true" /></td>
                <td class="number">
                  <a routerLink="/files" [queryParams]="filesOf(bucket)">{{
                    bucket.files_loaded | count
                  }}</a>
                </td>
                <td class="number">
                  <a routerLink="/runs" [queryParams]="failedOf(bucket)">{{
                    bucket.files_failed | count
                  }}</a>
                </td>
                <td class="number">{{ bucket.rows_loaded | count }}</td>
                <td class="number">
                  <a routerLink="/files" [queryParams]="rejectedOf(bucket)">{{
                    bucket.rows_rejected | count
                  }}</a>
                </td>
                <td class="number">{{ bucket.reject_ratio | share }}</td>
                <td class="number">{{ bucket.bytes_loaded | bytes }}</td>
              </tr>
            }
          </tbody>
        </table>
      </div>
    </details>
  `,
  styles: `
    .table-scroll {
      max-height: 300px;
      overflow: auto;
    }
  `,
})
export class ThroughputTable {
  readonly summary = input.required<Summary>();
  protected readonly busy = computed(() =>
    this.summary()
      .buckets.filter((bucket) => bucket.files_loaded > 0 || bucket.files_failed > 0)
      .reverse(),
  );

  protected filesOf(bucket: Bucket): Record<string, string> {
    return { state: 'loaded', loaded_from: bucket.at, loaded_to: this.endOf(bucket) };
  }

  /** The runs that had attempts which failed then: they began before the end, and have not ended before the start. */
  protected failedOf(bucket: Bucket): Record<string, string> {
    return { min_files_failed: '1', started_to: this.endOf(bucket), ended_from: bucket.at };
  }

  private endOf({ at }: Bucket): string {
    return new Date(Date.parse(at) + this.summary().bucket_seconds * 1000).toISOString();
  }

  protected rejectedOf(bucket: Bucket): Record<string, string> {
    return { ...this.filesOf(bucket), min_rows_rejected: '1' };
  }
}
