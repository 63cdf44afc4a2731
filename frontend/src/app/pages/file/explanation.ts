import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Explanation } from '../../api/types.gen';
import { Loaded } from '../../core/api';
import { Hint } from '../../ui/hint';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';

/** Why a file was loaded, or was not, and what the next run would do with it. */
@Component({
  selector: 'app-explanation',
  imports: [Hint, Panel, RouterLink, State],
  template: `
    <app-panel heading="Why" [data]="explanation()">
      @if (version(); as version) {
        <p>{{ version.sentence }}</p>
        @if (version.hint) {
          <app-hint [text]="version.hint" />
        }
      }
      @if (explanation().value(); as all) {
        <h3>The next run</h3>
        @if (all.next_run; as next) {
          <p>
            <span [class.good]="next.is_loaded" aria-hidden="true">{{
              next.is_loaded ? '▶' : '↷'
            }}</span>
            {{ next.sentence }}
          </p>
          <p class="muted">
            By contract <a [routerLink]="['/contracts', next.contract]">{{ next.contract }}</a> into
            <span class="mono">{{ next.target }}</span>{{
              isOther() ? '; the file has a newer version now' : ''
            }}
          </p>
        } @else {
          <p class="muted">The file is not where it was, or the server may not read there.</p>
        }
        @if (others().length) {
          <h3>Its other versions</h3>
          <ul>
            @for (other of others(); track other.file_id) {
              <li>
                <a [routerLink]="['/files', other.file_id]">file {{ other.file_id }}</a>
                <app-state [state]="other.state" /> {{ other.sentence }}
              </li>
            }
          </ul>
        }
      }
    </app-panel>
  `,
  styles: `
    h3 {
      margin: 14px 0 6px;
    }
    p {
      overflow-wrap: anywhere;
    }
    ul {
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      margin-bottom: 4px;
    }
  `,
})
export class ExplanationPanel {
  readonly file_id = input.required<number>();
  readonly explanation = input.required<Loaded<Explanation>>();
  private readonly versions = computed(() => this.explanation().value()?.versions ?? []);
  protected readonly version = computed(() =>
    this.versions().find((version) => version.file_id === this.file_id()),
  );
  protected readonly others = computed(() =>
    this.versions().filter((version) => version.file_id !== this.file_id()),
  );
  protected readonly isOther = computed(() => {
    const next = this.explanation().value()?.next_run;
    return next?.version !== undefined && next.version !== this.version()?.version;
  });
}
