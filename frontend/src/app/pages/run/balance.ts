import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { RunDetail } from '../../api/types.gen';
import { CountPipe, count } from '../../core/formats';
import { EVER_LOADED, EVER_REJECTED, hasFiles } from '../../core/outcomes';
import type { Moving } from './moving';

const NONE = { tab: null, sort: null, state: null, uri: null, kind: null };
const TO_FILES = {
  read: { ...NONE, sort: '-rows_read' },
  loaded: { ...NONE, sort: '-rows_loaded' },
  duplicate: { ...NONE, sort: '-rows_duplicate' },
  files: NONE,
  filesLoaded: { ...NONE, state: EVER_LOADED },
};
const TO_EVENTS = { read: NONE, loaded: NONE, duplicate: NONE, files: NONE, filesLoaded: NONE };

/** Whether every row that was read is accounted for, and every file that was planned. */
@Component({
  selector: 'app-balance',
  imports: [CountPipe, RouterLink],
  template: `
    <p class="line">
      <a
        class="underlined"
        [routerLink]="[]"
        [queryParams]="links().read"
        queryParamsHandling="merge"
        fragment="parts"
      >
        <b>{{ run().rows_read | count }}</b> read
      </a>
      <span aria-label="equals">=</span>
      <a
        class="underlined"
        [routerLink]="[]"
        [queryParams]="links().loaded"
        queryParamsHandling="merge"
        fragment="parts"
      >
        <b>{{ run().rows_loaded | count }}</b> loaded
      </a>
      <span aria-label="plus">+</span>
      <a
        class="underlined"
        [routerLink]="[]"
        [queryParams]="links().duplicate"
        queryParamsHandling="merge"
        fragment="parts"
      >
        <b>{{ run().rows_duplicate | count }}</b> duplicate
      </a>
      <span aria-label="plus">+</span>
      @if (hasFiles()) {
        <a class="underlined" routerLink="/rejects" [queryParams]="rejects()">
          <b>{{ run().rows_rejected | count }}</b> rejected
        </a>
      } @else {
        <a
          class="underlined"
          [routerLink]="[]"
          [queryParams]="links().files"
          queryParamsHandling="merge"
          fragment="parts"
        >
          <b>{{ run().rows_rejected | count }}</b> rejected
        </a>
      }
      @if (detail().is_balanced) {
        <strong class="good"
          >✓ every row {{ run().state === 'running' ? 'so far ' : '' }}is accounted for</strong
        >
      } @else {
        <strong class="bad">✕ a gap of {{ gap() | count }} rows</strong>
      }
    </p>
    <p>
      <a
        [routerLink]="[]"
        [queryParams]="links().files"
        queryParamsHandling="merge"
        fragment="parts"
        >{{ run().files_planned | count }}
        {{ run().files_planned === 1 ? 'file' : 'files' }} planned</a
      >:
      <a
        [routerLink]="[]"
        [queryParams]="links().filesLoaded"
        queryParamsHandling="merge"
        fragment="parts"
        >{{ run().files_loaded | count }} loaded</a
      >,
      <a
        [routerLink]="[]"
        [queryParams]="links().files"
        queryParamsHandling="merge"
        [fragment]="run().files_failed ? 'failures' : 'parts'"
        >{{ run().files_failed | count }} failed</a
      >
      <span>{{ others() }}</span>
      @if (run().files_skipped) {
        <a routerLink="/files" [queryParams]="known()">Files known before</a>
      }
    </p>
    @if (moving().rows) {
      <p class="muted">
        In the files that are being loaded: {{ moving().rows | count }} rows read,
        {{ moving().rejected | count }} rejected; nothing of them is committed yet.
      </p>
    }
  `,
  styles: `
    .line {
      display: flex;
      flex-wrap: wrap;
      align-items: baseline;
      gap: 4px 10px;
      font-size: 16px;
    }
    b {
      font-size: 22px;
      font-weight: 650;
    }
    a {
      display: inline-block;
      min-height: 24px;
    }
    p:last-child {
      margin: 0;
    }
  `,
})
export class Balance {
  readonly detail = input.required<RunDetail>();
  readonly moving = input.required<Moving>();

  protected readonly run = computed(() => this.detail().run);
  protected readonly hasFiles = computed(() => hasFiles(this.run()));
  /** The part of the page that opens by itself is that of the files, or of the events where the run has none. */
  protected readonly links = computed(() => (this.hasFiles() ? TO_FILES : TO_EVENTS));
  protected readonly rejects = computed(() => ({
    run_id: this.run().run_id,
    state: EVER_REJECTED,
  }));
  /** The files that the run did not have to load are among these, in the order in which they were found. */
  protected readonly known = computed(() => {
    const { target, started_at } = this.run();
    return { target, discovered_to: started_at, sort: 'file_id' };
  });
  protected readonly gap = computed(() => {
    const run = this.run();
    return Math.abs(run.rows_read - run.rows_loaded - run.rows_duplicate - run.rows_rejected);
  });
  /** The files that have not ended, and those that need not be loaded. */
  protected readonly others = computed(() => {
    const run = this.run();
    const moving = this.moving().files.length;
    const left = run.files_planned - run.files_loaded - run.files_failed - moving;
    // a file may turn out to need no loading only when it is read: its content is known under another name
    const skipped = Math.max(
      0,
      Math.min(left, run.files_skipped, this.detail().files_by_state['skipped'] ?? 0),
    );
    const waiting = left - skipped;
    const others = run.files_skipped - skipped;
    return [
      moving ? `, ${count(moving)} being loaded` : '',
      skipped ? `, ${count(skipped)} skipped` : '',
      waiting > 0 ? `, ${count(waiting)} ${run.state === 'running' ? 'waiting' : 'not begun'}` : '',
      others > 0 ? `; ${count(others)} others skipped` : '',
    ].join('');
  });
}
