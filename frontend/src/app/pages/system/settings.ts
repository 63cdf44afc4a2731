import { Component, computed, input } from '@angular/core';
import type { Setting, Settings } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Filter, Filters } from '../../ui/filters';
import { Panel } from '../../ui/panel';

const FILTERS: readonly Filter[] = [
  { name: 'setting', label: 'Name, variable or text', kind: 'text' },
  {
    name: 'layer',
    label: 'Comes from',
    kind: 'choice',
    options: ['flag', 'environment', 'env_file', 'config_file', 'default'],
  },
];

/** How the server is set up, and where each setting comes from. */
@Component({
  selector: 'app-settings',
  imports: [Filters, Panel],
  templateUrl: './settings.html',
  styles: `
    app-filters {
      margin-bottom: 10px;
    }
    small {
      color: var(--text-2);
    }
  `,
})
export class SettingsPanel {
  readonly setting = input<string>();
  readonly layer = input<string>();
  protected readonly filters = FILTERS;
  protected readonly data = load<Settings>(() => apiUrl('/system/settings'));
  protected readonly shown = computed(() => {
    const text = this.setting()?.toLowerCase() ?? '';
    const layer = this.layer();
    return (this.data.value()?.items ?? [])
      .filter((setting) => !layer || setting.layer === layer)
      .filter((setting) => textOf(setting).includes(text))
      .map((setting) => ({ ...setting, text: shownValue(setting.value) }));
  });
}

function textOf({ name, variable, description, value, origin }: Setting): string {
  return [name, variable, description, shownValue(value), origin].join('\n').toLowerCase();
}

/** A value as it is read; empty: there is none. */
function shownValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(shownValue).join(', ');
  const text = JSON.stringify(value);
  return text === '{}' ? '' : text;
}
