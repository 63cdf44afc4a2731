import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Run } from '../../api/types.gen';
import { count, moment, seconds, words } from '../../core/formats';
import { Preferences } from '../../core/preferences';

const HEIGHT = 72;
const LEAST = 6;

interface Bar {
  readonly run: Run;
  readonly height: number;
  readonly rejects: number;
  readonly tone: string;
  readonly sign: string;
  readonly said: string;
}

const LOOK: Readonly<Record<Run['state'], readonly [string, string]>> = {
  succeeded: ['good', ''],
  failed: ['bad', '✕'],
  interrupted: ['warn', '■'],
  abandoned: ['bad', '✕'],
  running: ['busy', '▶'],
};

/** The last runs, the newest at the right: height is duration (square root), the foot its rejects. */
@Component({
  selector: 'app-run-strip',
  imports: [RouterLink],
  template: `
    <ol tabindex="0" aria-label="Last runs, the newest last">
      @for (bar of bars(); track bar.run.run_id) {
        <li>
          <a
            [routerLink]="['/runs', bar.run.run_id]"
            [title]="bar.said"
            [attr.aria-label]="bar.said"
          >
            <span class="sign" [class]="bar.tone" aria-hidden="true">{{ bar.sign }}</span>
            <span class="bar" [class]="bar.tone" [style.height.px]="bar.height">
              <span class="rejects" [style.height.%]="bar.rejects"></span>
            </span>
          </a>
        </li>
      }
    </ol>
    <p class="muted">
      Height: duration. Colour and sign: ✕ failed or abandoned, ■ interrupted, ▶ running. Striped:
      share of rejected rows.
    </p>
  `,
  styleUrl: './run-strip.scss',
})
export class RunStrip {
  readonly runs = input.required<readonly Run[]>();
  private readonly preferences = inject(Preferences);

  protected readonly bars = computed<readonly Bar[]>(() => {
    const longest = Math.max(...this.runs().map((run) => run.duration_seconds), 0.001);
    return this.runs()
      .map((run) => this.bar(run, longest))
      .reverse();
  });

  private bar(run: Run, longest: number): Bar {
    const [tone, sign] = LOOK[run.state];
    const share = run.rows_read ? run.rows_rejected / run.rows_read : 0;
    const at = moment(new Date(run.started_at), this.preferences.timeZone());
    return {
      run,
      tone,
      sign,
      height: LEAST + (HEIGHT - LEAST) * Math.sqrt(run.duration_seconds / longest),
      rejects: share ? Math.max(12, Math.min(100, Math.sqrt(share) * 100)) : 0,
      said:
        `run ${run.run_id}, ${words(run.state)}, ${at}, ${seconds(run.duration_seconds)},` +
        ` ${count(run.files_loaded)} files, ${count(run.rows_loaded)} rows loaded, ${count(run.rows_rejected)} rejected`,
    };
  }
}
