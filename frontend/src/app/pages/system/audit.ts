import { Component, computed, input } from '@angular/core';
import type { AuditOut } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { keysetList } from '../../core/keyset-list';
import { Filter, Filters } from '../../ui/filters';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';

const FILTERS: readonly Filter[] = [{ name: 'actor', label: 'Who', kind: 'text' }];

/** Who did what, newest first. */
@Component({
  selector: 'app-audit',
  imports: [Filters, More, Panel, Time],
  templateUrl: './audit.html',
  styles: `
    app-filters {
      margin-bottom: 10px;
    }
  `,
})
export class AuditPanel {
  readonly actor = input<string>();
  protected readonly filters = FILTERS;
  protected readonly list = keysetList<AuditOut>(
    () => apiUrl('/audit', { actor: this.actor() }),
    (entry) => entry.audit_id,
  );
  protected readonly rows = computed(() =>
    this.list.items().map((entry) => ({
      ...entry,
      isRefused: entry.status !== null && entry.status >= 400,
      text: Object.entries(entry.detail)
        .map(
          ([name, value]) =>
            `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
        )
        .join(', '),
    })),
  );
}
