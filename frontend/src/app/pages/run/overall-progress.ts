import { Component, computed, input, linkedSignal } from '@angular/core';
import type { RunDetail } from '../../api/types.gen';
import { BytesPipe, CountPipe, RatePipe, SecondsPipe, SharePipe } from '../../core/formats';
import { ProgressBar } from '../../ui/progress-bar';
import type { Moving } from './moving';

/** How far a running run is: bytes of those planned, speed, and the time that is left. */
@Component({
  selector: 'app-overall-progress',
  imports: [BytesPipe, CountPipe, ProgressBar, RatePipe, SecondsPipe, SharePipe],
  template: `
    <app-progress [value]="done()" [total]="total()" [label]="'Run ' + detail().run.run_id" />
    <p>
      <b>{{ total() ? (done() / total() | share) : '–' }}</b>
      @if (planned()) {
        · {{ done() | bytes }} of {{ planned() | bytes }}
      }
      · {{ moving().files.length | count }}
      {{ moving().files.length === 1 ? 'file' : 'files' }} being loaded
      @if (speed()) {
        · {{ speed() | rate }}
      }
      @if (left() !== undefined) {
        · <b>{{ left() | seconds }}</b> left
      }
    </p>
  `,
  styles: `
    app-progress {
      width: 100%;
      height: 10px;
    }
    p {
      margin: 4px 0 0;
    }
  `,
})
export class OverallProgress {
  readonly detail = input.required<RunDetail>();
  readonly moving = input.required<Moving>();
  /** Bytes of all planned files; undefined: the plan is not made yet. */
  readonly planned = input.required<number | undefined>();
  readonly taken = input.required<number>();

  /** Bytes of a file that has just ended are missing until the ledger counts them: a bar never goes back. */
  protected readonly done = linkedSignal<{ run_id: number; done: number }, number>({
    source: () => {
      const { run_id, bytes_read } = this.detail().run;
      return { run_id, done: Math.min(bytes_read + this.moving().bytes, this.total() || Infinity) };
    },
    computation: ({ run_id, done }, previous) =>
      previous?.source.run_id === run_id ? Math.max(previous.value, done) : done,
  });
  protected readonly total = computed(() => this.planned() ?? 0);
  protected readonly speed = computed(
    () => this.moving().rowsPerSecond || this.detail().run.rows_per_second,
  );
  protected readonly left = computed(() => {
    const [done, total] = [this.done(), this.total()];
    return done > 0 && total > 0 ? ((total - done) / done) * this.taken() : undefined;
  });
}
