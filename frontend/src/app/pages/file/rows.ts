import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { File, FileDetail } from '../../api/types.gen';
import { CountPipe } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { FileBalance } from './balance';
import { grouped } from './decimals';

const SAID: Readonly<Record<File['state'], string>> = {
  loaded: '',
  replaced: 'These were its counts: its rows are kept aside, out of the target.',
  rolled_back: 'These were its counts: none of its rows is in the target.',
  failed: 'Nothing of it is in the target.',
  skipped: 'Nothing of it was read.',
  pending: 'Nothing of it is in the target yet.',
  baseline: 'It was marked as loaded; nothing of it was read.',
};

/** The rows of a file: their balance, the states of its rejects, the sums of its columns. */
@Component({
  selector: 'app-file-rows',
  imports: [CountPipe, FileBalance, Panel, RouterLink, State],
  template: `
    <app-panel heading="Rows">
      @if (hasCounts()) {
        <app-file-balance [file]="detail().file" />
      }
      @if (said()) {
        <p class="said">{{ said() }}</p>
      }
      @if (rejects().length) {
        <h3>Rejects by state</h3>
        <ul>
          @for (reject of rejects(); track reject[0]) {
            <li>
              <app-state [state]="reject[0]" />
              <a
                [routerLink]="['/rejects']"
                [queryParams]="{ file_id: detail().file.file_id, state: reject[0] }"
                [attr.aria-label]="reject[1] + ' rejects that are ' + reject[0]"
                >{{ reject[1] | count }}</a
              >
            </li>
          }
        </ul>
      }
      @if (totals().length) {
        <h3>Control totals</h3>
        <dl class="facts">
          @for (total of totals(); track total[0]) {
            <dt class="mono">{{ total[0] }}</dt>
            <dd>{{ total[1] }}</dd>
          }
        </dl>
      }
    </app-panel>
  `,
  styles: `
    h3 {
      margin: 14px 0 6px;
    }
    .said {
      margin: 4px 0 0;
      color: var(--text-2);
    }
    li {
      display: flex;
      gap: 6px;
    }
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: 6px 16px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
  `,
})
export class FileRows {
  readonly detail = input.required<FileDetail>();
  protected readonly said = computed(() => SAID[this.detail().file.state]);
  protected readonly hasCounts = computed(
    () =>
      this.detail().file.rows_read > 0 ||
      !['failed', 'skipped', 'pending', 'baseline'].includes(this.detail().file.state),
  );
  protected readonly rejects = computed(() => Object.entries(this.detail().rejects_by_state));
  protected readonly totals = computed(() =>
    Object.entries(this.detail().control_totals).map(
      ([column, sum]) => [column, grouped(sum)] as const,
    ),
  );
}
