import { Component, input } from '@angular/core';
import type { KeysetList } from '../core/keyset-list';

/** The foot of a list: how much is shown, and the button for more. */
@Component({
  selector: 'app-more',
  template: `
    <span class="muted">{{ list().items().length }} shown</span>
    @if (list().hasMore()) {
      <button type="button" class="plain" [disabled]="list().isLoading()" (click)="list().more()">
        {{ list().isLoading() ? 'Loading…' : 'Show more' }}
      </button>
    }
  `,
  styles: `
    :host {
      display: flex;
      align-items: center;
      gap: 12px;
      padding-top: 10px;
    }
  `,
})
export class More {
  readonly list = input.required<KeysetList<unknown>>();
}
