import { Component, input } from '@angular/core';
import { Params, RouterLink } from '@angular/router';

/** A part of a screen; its name is the value of the query parameter `tab`. */
export interface Tab {
  readonly name: string;
  readonly label: string;
}

/** The parts of a screen as links: which one is open is kept in the address. */
@Component({
  selector: 'app-tabs',
  imports: [RouterLink],
  template: `
    <nav [attr.aria-label]="label()">
      @for (tab of tabs(); track tab.name) {
        <a
          [routerLink]="[]"
          [queryParams]="{ ...kept(), tab: tab.name }"
          [attr.aria-current]="tab.name === current() ? 'page' : null"
          >{{ tab.label }}</a
        >
      }
    </nav>
  `,
  styles: `
    nav {
      display: flex;
      flex-wrap: wrap;
      gap: 4px;
      margin-bottom: 16px;
      border-bottom: 1px solid var(--line);
    }
    a {
      padding: 8px 12px;
      border-bottom: 3px solid transparent;
      color: var(--text-2);
      text-decoration: none;
    }
    a[aria-current] {
      border-bottom-color: var(--link);
      color: var(--text);
      font-weight: 600;
    }
  `,
})
export class Tabs {
  readonly tabs = input.required<readonly Tab[]>();
  readonly current = input.required<string>();
  /** What the parts are of. */
  readonly label = input.required<string>();
  /** Parameters of the address that all parts share; those of one part end with it. */
  readonly kept = input<Params>({});
}
