import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { LedgerEvent } from '../../api/types.gen';
import { bytes, count, seconds, words } from '../../core/formats';
import { KeysetList } from '../../core/keyset-list';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';

/** What happened to a file. */
@Component({
  selector: 'app-file-events',
  imports: [More, Panel, RouterLink, Time],
  template: `
    <app-panel
      heading="What happened"
      [data]="events()"
      [isEmpty]="events().isEmpty()"
      emptyText="Nothing has happened to it yet."
    >
      <ol>
        @for (event of shown(); track event.event_id) {
          <li>
            <app-time [at]="event.at" [isExact]="true" /> <b>{{ event.name }}</b>
            @if (event.run_id) {
              <a [routerLink]="['/runs', event.run_id]">run {{ event.run_id }}</a>
            }
            <span class="muted">{{ event.facts }}</span>
          </li>
        }
      </ol>
      @if (events().hasMore()) {
        <app-more [list]="events()" />
      }
    </app-panel>
  `,
  styles: `
    ol {
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      flex-wrap: wrap;
      gap: 0 8px;
      padding: 3px 0;
      overflow-wrap: anywhere;
    }
  `,
})
export class FileEvents {
  readonly events = input.required<KeysetList<LedgerEvent>>();
  protected readonly shown = computed(() =>
    this.events()
      .items()
      .map((event) => ({ ...event, name: words(event.event), facts: factsOf(event.detail) })),
  );
}

/** The details of an event as text: rows read 2,485, duration 136 ms. */
export function factsOf(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .filter(([name, value]) => name !== 'uri' && value !== null && value !== '')
    .map(([name, value]) => factOf(name, value))
    .join(', ');
}

function factOf(name: string, value: unknown): string {
  if (typeof value !== 'number') return `${words(name)} ${textOf(value)}`;
  if (name.endsWith('_bytes')) return `${words(name.slice(0, -'_bytes'.length))} ${bytes(value)}`;
  if (name.endsWith('_seconds')) {
    return `${words(name.slice(0, -'_seconds'.length))} ${seconds(value)}`;
  }
  return `${words(name)} ${count(value)}`;
}

/** An error by its code: what it says stands with the attempt. */
function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'code' in value) return String(value.code);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
