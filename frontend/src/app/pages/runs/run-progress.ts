import { Component, computed, inject, input } from '@angular/core';
import type { Run } from '../../api/types.gen';
import { bytes, count, short } from '../../core/formats';
import { Live } from '../../core/live';
import { ProgressBar } from '../../ui/progress-bar';

/** How far a running run is: its files that are done, and those that are being loaded now. */
@Component({
  selector: 'app-run-progress',
  imports: [ProgressBar],
  template: `
    @if (run().files_planned) {
      <app-progress
        [value]="done()"
        [total]="run().files_planned"
        [label]="'Progress of run ' + run().run_id"
      />
    }
    <span class="muted">{{ text() }}</span>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 3px;
      max-width: 200px;
      margin-top: 4px;
      white-space: normal;
      font-size: 12.5px;
    }
  `,
})
export class RunProgress {
  readonly run = input.required<Run>();
  private readonly live = inject(Live);

  private readonly loading = computed(() =>
    [...this.live.progress().values()].filter((file) => file.run_id === this.run().run_id),
  );
  private readonly ended = computed(() => this.run().files_loaded + this.run().files_failed);
  protected readonly done = computed(() =>
    this.loading().reduce(
      (sum, file) => sum + (file.size_bytes ? Math.min(1, file.bytes_read / file.size_bytes) : 0),
      this.ended(),
    ),
  );
  protected readonly text = computed(() => {
    const run = this.run();
    if (!run.files_planned) return 'counting files';
    const files = this.loading();
    const said = [`${count(this.ended())} of ${count(run.files_planned)} files`];
    if (files.length) {
      const rows = files.reduce((sum, file) => sum + file.rows_read, 0);
      const read = files.reduce((sum, file) => sum + file.bytes_read, 0);
      said.push(`${count(files.length)} loading: ${short(rows)} rows, ${bytes(read)}`);
    }
    return said.join(', ');
  });
}
