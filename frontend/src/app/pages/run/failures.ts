import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ErrorInfo, FileFailure } from '../../api/types.gen';
import { FileNamePipe } from '../../core/formats';

interface Group {
  readonly error: ErrorInfo;
  readonly first: readonly FileFailure[];
  readonly rest: readonly FileFailure[];
}

const SHOWN = 3;

/** The failures of a run by what they have in common: what, where, what to do, whether again helps. */
@Component({
  selector: 'app-failures',
  imports: [FileNamePipe, RouterLink],
  template: `
    @for (group of groups(); track group.error.code) {
      <article>
        <h3>
          <code>{{ group.error.code }}</code>
          <span class="muted">
            {{ group.first.length + group.rest.length }}
            {{ group.first.length + group.rest.length === 1 ? 'file' : 'files' }}
          </span>
          <span class="again">{{
            group.error.retryable
              ? '↻ trying again may help'
              : '✕ trying again does not help by itself'
          }}</span>
        </h3>
        @if (group.error.hint) {
          <p><b>What to do:</b> {{ group.error.hint }}</p>
        }
        <ul>
          @for (failure of group.first; track failure.file_id) {
            <li>
              <a [routerLink]="['/files', failure.file_id]" [title]="failure.uri">{{
                failure.uri | fileName
              }}</a>
              {{ said(failure) }}
            </li>
          }
        </ul>
        @if (group.rest.length) {
          <details>
            <summary>{{ group.rest.length }} more</summary>
            <ul>
              @for (failure of group.rest; track failure.file_id) {
                <li>
                  <a [routerLink]="['/files', failure.file_id]" [title]="failure.uri">{{
                    failure.uri | fileName
                  }}</a>
                  {{ said(failure) }}
                </li>
              }
            </ul>
          </details>
        }
      </article>
    }
  `,
  styles: `
    article {
      padding: 10px 12px;
      border-left: 4px solid var(--bad);
      border-radius: 4px;
      background: var(--bad-back);
      overflow-wrap: anywhere;
    }
    article + article {
      margin-top: 10px;
    }
    h3 {
      display: flex;
      flex-wrap: wrap;
      gap: 4px 12px;
      margin-bottom: 6px;
    }
    .again {
      font-weight: 400;
    }
    .muted {
      color: var(--text);
    }
    ul {
      margin: 0;
      padding-left: 18px;
    }
    summary {
      min-height: 28px;
      padding: 4px 0;
      cursor: pointer;
    }
  `,
})
export class Failures {
  readonly failures = input.required<readonly FileFailure[]>();

  protected readonly groups = computed<readonly Group[]>(() => {
    const byCode = new Map<string, FileFailure[]>();
    for (const failure of this.failures()) {
      const same = byCode.get(failure.error.code);
      if (same) same.push(failure);
      else byCode.set(failure.error.code, [failure]);
    }
    return [...byCode.values()].flatMap((all) => {
      const error = all[0]?.error;
      return error ? [{ error, first: all.slice(0, SHOWN), rest: all.slice(SHOWN) }] : [];
    });
  });

  /** The message without the file's name, which stands before it. */
  protected said(failure: FileFailure): string {
    const { message } = failure.error;
    return message.startsWith(`${failure.uri}: `) ? message.slice(failure.uri.length + 2) : message;
  }
}
