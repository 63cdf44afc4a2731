import { Component, computed, inject, input } from '@angular/core';
import { Clock } from '../core/clock';
import { age, moment } from '../core/formats';
import { Preferences } from '../core/preferences';

/** A moment: how long ago, with the moment itself when pointed at; or the other way round. */
@Component({
  selector: 'app-time',
  template: `
    @if (date(); as at) {
      <time [attr.datetime]="at.toISOString()" [title]="isExact() ? relative() : exact()">{{
        isExact() ? exact() : relative()
      }}</time>
    } @else {
      –
    }
  `,
  styles: `
    :host {
      white-space: nowrap;
    }
  `,
})
export class Time {
  /** ISO 8601. */
  readonly at = input.required<string | null | undefined>();
  readonly isExact = input(false);
  private readonly preferences = inject(Preferences);
  private readonly clock = inject(Clock);
  protected readonly date = computed(() => {
    const text = this.at();
    return text ? new Date(text) : undefined;
  });
  protected readonly exact = computed(() => {
    const at = this.date();
    return at ? moment(at, this.preferences.timeZone()) : '';
  });
  protected readonly relative = computed(() => {
    const at = this.date();
    return at ? age(at, this.clock.now()) : '';
  });
}
