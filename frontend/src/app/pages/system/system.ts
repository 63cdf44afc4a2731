import { Component, computed, inject, input } from '@angular/core';
import { Session } from '../../core/session';
import { Tab, Tabs } from '../../ui/tabs';
import { AuditPanel } from './audit';
import { Checks } from './checks';
import { DatabasePanel } from './database';
import { ReconciliationPanel } from './reconciliation';
import { SettingsPanel } from './settings';
import { Tokens } from './tokens';

const FIRST: Tab = { name: 'checks', label: 'Checks' };
const TABS: readonly Tab[] = [
  FIRST,
  { name: 'database', label: 'Database' },
  { name: 'settings', label: 'Settings' },
  { name: 'reconciliation', label: 'Reconciliation' },
];
const TABS_OF_ADMINISTRATORS: readonly Tab[] = [
  { name: 'tokens', label: 'Tokens' },
  { name: 'audit', label: 'Audit' },
];

/** Whether all that the product stands on works, how it is set up, and who may use it. */
@Component({
  selector: 'app-system',
  imports: [AuditPanel, Checks, DatabasePanel, ReconciliationPanel, SettingsPanel, Tabs, Tokens],
  template: `
    <div class="page-head"><h1>System</h1></div>
    <app-tabs label="Parts of the system" [tabs]="tabs()" [current]="current()" />
    @switch (current()) {
      @case ('database') {
        <app-database />
      }
      @case ('settings') {
        <app-settings [setting]="setting()" [layer]="layer()" />
      }
      @case ('reconciliation') {
        <app-reconciliation [target]="target()" [run_id]="run_id()" />
      }
      @case ('tokens') {
        <app-tokens />
      }
      @case ('audit') {
        <app-audit [actor]="actor()" />
      }
      @default {
        <app-checks />
      }
    }
  `,
})
export default class System {
  readonly tab = input<string>();
  readonly setting = input<string>();
  readonly layer = input<string>();
  readonly target = input<string>();
  readonly run_id = input<string>();
  readonly actor = input<string>();
  private readonly session = inject(Session);

  protected readonly tabs = computed(() =>
    this.session.canAdminister() ? [...TABS, ...TABS_OF_ADMINISTRATORS] : TABS,
  );
  protected readonly current = computed(
    () => (this.tabs().find((tab) => tab.name === this.tab()) ?? FIRST).name,
  );
}
