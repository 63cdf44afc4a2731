import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FileAttempt } from '../../api/types.gen';
import { BytesPipe, CountPipe, seconds, words } from '../../core/formats';
import { Hint } from '../../ui/hint';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';

/** The tries to load a file, the last one first. */
@Component({
  selector: 'app-attempts',
  imports: [BytesPipe, CountPipe, Hint, Panel, RouterLink, State, Time],
  templateUrl: './attempts.html',
  styles: `
    .bar {
      display: flex;
      width: 160px;
      height: 8px;
      overflow: hidden;
      border-radius: 4px;
      background: var(--idle-back);
    }
    .bar span {
      border-right: 1px solid var(--panel);
      background: var(--busy);
    }
    .bar span:nth-child(even) {
      background: color-mix(in srgb, var(--busy) 55%, var(--panel));
    }
  `,
})
export class Attempts {
  readonly attempts = input.required<readonly FileAttempt[]>();
  protected readonly rows = computed(() =>
    [...this.attempts()].reverse().map((attempt, index, newestFirst) => {
      const stages = Object.entries(attempt.stage_seconds ?? {}).filter(([, length]) => length > 0);
      return {
        ...attempt,
        isSameError: index > 0 && attempt.error?.message === newestFirst[index - 1]?.error?.message,
        stages: shares(stages),
        said: stages.map(([stage, length]) => `${words(stage)} ${seconds(length)}`).join(', '),
        duration: attempt.ended_at
          ? seconds(between(attempt.started_at, attempt.ended_at))
          : 'going on',
      };
    }),
  );
}

/** The stages with their share of the time, in percent. */
function shares(
  stages: readonly (readonly [string, number])[],
): readonly (readonly [string, number])[] {
  const sum = stages.reduce((total, [, length]) => total + length, 0);
  return stages.map(([stage, length]) => [stage, (100 * length) / sum] as const);
}

function between(start: string, end: string): number {
  return (Date.parse(end) - Date.parse(start)) / 1000;
}
