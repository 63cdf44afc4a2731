import { Component, computed, inject, input } from '@angular/core';
import type { Loadable } from '../core/api';
import { Clock } from '../core/clock';
import { age } from '../core/formats';
import { Live } from '../core/live';

/** So long data may be old while no news come, until that is said. */
const QUIET_MS = 10_000;

/** Says that what is shown is old, and how old: it could not be read again, or no news of it come. */
@Component({
  selector: 'app-stale',
  template: `
    @if (old(); as old) {
      <span class="badge" title="What is shown is old: the server did not answer"
        >stale, {{ old }}</span
      >
    }
  `,
})
export class Stale {
  readonly data = input<Loadable>();
  private readonly clock = inject(Clock);
  private readonly live = inject(Live);

  protected readonly old = computed(() => {
    const data = this.data();
    const at = data?.loadedAt();
    if (!data || !at) return undefined;
    const now = this.clock.now();
    const isCutOff = this.live.connection() === 'reconnecting' && now - at.getTime() > QUIET_MS;
    return data.problem() || isCutOff ? `as of ${age(at, now)}` : undefined;
  });
}
