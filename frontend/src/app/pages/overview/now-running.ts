import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Run } from '../../api/types.gen';
import { BytesPipe, CountPipe } from '../../core/formats';
import { Live } from '../../core/live';
import { Panel } from '../../ui/panel';
import { ProgressBar } from '../../ui/progress-bar';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';

/** The runs that go on, and how far they are. */
@Component({
  selector: 'app-now-running',
  imports: [BytesPipe, CountPipe, Panel, ProgressBar, RouterLink, State, Time],
  template: `
    <app-panel heading="Running now">
      @for (item of items(); track item.run.run_id) {
        <div class="row">
          <a class="underlined" [routerLink]="['/runs', item.run.run_id]"
            >run {{ item.run.run_id }}</a
          >
          <app-state [state]="item.run.state" />
          <span>{{ item.run.target }}</span>
          <app-progress
            [value]="item.done"
            [total]="item.run.files_planned"
            [label]="'Files of run ' + item.run.run_id"
          />
          <span>{{ item.done | count }} of {{ item.run.files_planned | count }} files</span>
          @if (item.moving) {
            <span class="muted"
              >{{ item.moving | count }} moving, {{ item.bytesRead | bytes }} read of them</span
            >
          }
          <span class="muted">began <app-time [at]="item.run.started_at" /></span>
        </div>
      }
    </app-panel>
  `,
})
export class NowRunning {
  readonly runs = input.required<readonly Run[]>();
  private readonly live = inject(Live);

  protected readonly items = computed(() =>
    this.runs().map((run) => {
      const moving = [...this.live.progress().values()].filter(
        (item) => item.run_id === run.run_id,
      );
      return {
        run,
        done: run.files_loaded + run.files_failed,
        moving: moving.length,
        bytesRead: moving.reduce((sum, item) => sum + item.bytes_read, 0),
      };
    }),
  );
}
