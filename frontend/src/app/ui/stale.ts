import { Component, computed, inject, input } from '@angular/core';
import type { Loadable } from '../core/api';
import { Clock } from '../core/clock';
import { age } from '../core/formats';

/** Says that what is shown is old, and how old: it was read once, and could not be read again. */
@Component({
  selector: 'app-stale',
  template: `
    @if (old(); as old) {
      <span class="badge" title="What is shown is old: it could not be read again"
        >stale, {{ old }}</span
      >
    }
  `,
})
export class Stale {
  readonly data = input<Loadable>();
  private readonly clock = inject(Clock);

  protected readonly old = computed(() => {
    const data = this.data();
    const at = data?.loadedAt();
    return data?.problem() && at ? `as of ${age(at, this.clock.now())}` : undefined;
  });
}
