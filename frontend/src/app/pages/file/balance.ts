import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { File } from '../../api/types.gen';
import { count } from '../../core/formats';
import { EVER_REJECTED } from '../../core/outcomes';

/** Whether each row of a file is accounted for: read = loaded + duplicate + rejected. */
@Component({
  selector: 'app-file-balance',
  imports: [RouterLink],
  template: `
    <p class="line">
      <span
        ><b>{{ shown(file().rows_read) }}</b> read</span
      >
      <span class="sign">=</span>
      <span>
        @if (file().state === 'loaded' && file().rows_loaded) {
          <a
            [routerLink]="['/trades']"
            [queryParams]="{ target: file().target, file_id: file().file_id }"
            ><b>{{ shown(file().rows_loaded) }}</b> loaded</a
          >
        } @else {
          <b>{{ shown(file().rows_loaded) }}</b> loaded
        }
      </span>
      <span class="sign">+</span>
      <span
        ><b>{{ shown(file().rows_duplicate) }}</b> duplicate</span
      >
      <span class="sign">+</span>
      <span>
        @if (file().rows_rejected) {
          <a
            [routerLink]="['/rejects']"
            [queryParams]="{ file_id: file().file_id, state: EVER_REJECTED }"
            ><b>{{ shown(file().rows_rejected) }}</b> rejected</a
          >
        } @else {
          <b>0</b> rejected
        }
      </span>
      @if (gap() === 0) {
        <span class="good"><span aria-hidden="true">✓</span> each row is accounted for</span>
      } @else {
        <span class="bad"
          ><span aria-hidden="true">✕</span> {{ shown(gap()) }} rows are not accounted for</span
        >
      }
    </p>
  `,
  styles: `
    .line {
      display: flex;
      flex-wrap: wrap;
      gap: 2px 10px;
      margin: 0;
      font-size: 16px;
    }
    .sign {
      color: var(--text-2);
    }
  `,
})
export class FileBalance {
  readonly file = input.required<File>();
  protected readonly shown = count;
  protected readonly EVER_REJECTED = EVER_REJECTED;
  protected readonly gap = computed(() => {
    const { rows_read, rows_loaded, rows_duplicate, rows_rejected } = this.file();
    return rows_read - rows_loaded - rows_duplicate - rows_rejected;
  });
}
