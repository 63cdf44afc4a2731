import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ReplayOut } from '../../api/types.gen';
import { CountPipe, count, words } from '../../core/formats';

/** What a replay did, or would do. */
@Component({
  selector: 'app-outcome',
  imports: [CountPipe, RouterLink],
  template: `
    <div role="status">
      <p>
        @if (outcome().is_preview) {
          <b>Nothing is changed yet.</b>
        }
        {{ said() }}
      </p>
      @if (reasons().length || outcome().refused.length || failed().length) {
        <ul>
          @for (reason of reasons(); track reason[0]) {
            <li class="bad">{{ reason[1] | count }} × {{ words(reason[0]) }}</li>
          }
          @for (refusal of outcome().refused; track $index) {
            <li class="warn">{{ refusal.rejects | count }} not tried: {{ refusal.why }}</li>
          }
          @for (file of failed(); track file.file_id) {
            <li class="bad">
              <a [routerLink]="['/files', file.file_id]">{{ file.uri }}</a>:
              {{ file.error?.message }}
            </li>
          }
        </ul>
      }
    </div>
  `,
  styles: `
    div {
      overflow-wrap: anywhere;
    }
    p {
      margin: 6px 0;
    }
    ul {
      margin: 0 0 8px;
      padding-left: 20px;
    }
  `,
})
export class Outcome {
  readonly outcome = input.required<ReplayOut>();
  protected readonly words = words;
  protected readonly reasons = computed(() => Object.entries(this.outcome().reasons));
  protected readonly failed = computed(() => this.outcome().files.filter((file) => file.error));
  protected readonly said = computed(() => {
    const { is_preview, rows_tried, rows_loaded, rows_duplicate, rows_rejected } = this.outcome();
    const verb = is_preview ? 'would be' : 'are';
    return [
      `Of ${count(rows_tried)} ${rows_tried === 1 ? 'row' : 'rows'} ${count(rows_loaded)} ${verb} loaded`,
      `${count(rows_duplicate)} ${verb} duplicates`,
      `${count(rows_rejected)} ${verb} rejected again.`,
    ].join(', ');
  });
}
