import { DOCUMENT } from '@angular/common';
import { Component, DestroyRef, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Database } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { BytesPipe, CountPipe } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { ProgressBar } from '../../ui/progress-bar';
import { Time } from '../../ui/time';
import { DatabaseConnections } from './database-connections';

const EVERY_MS = 5000;
/** Screens that show what a table of the ledger holds. */
const SCREENS: Readonly<Record<string, string>> = {
  'ingest.file': '/files',
  'ingest.run': '/runs',
  'ingest.reject': '/rejects',
  'ingest.contract': '/contracts',
};

/** What the database does at the moment, and how large it is. */
@Component({
  selector: 'app-database',
  imports: [BytesPipe, CountPipe, DatabaseConnections, Panel, ProgressBar, RouterLink, Time],
  templateUrl: './database.html',
  styles: `
    td app-progress {
      width: 80px;
      margin-left: 8px;
      vertical-align: middle;
    }
  `,
})
export class DatabasePanel {
  protected readonly data = load<Database>(() => apiUrl('/system/database'));
  protected readonly tables = computed(() => {
    const tables = (this.data.value()?.tables ?? []).map((table) => ({
      ...table,
      bytes: table.table_bytes + table.index_bytes,
      screen: SCREENS[table.table],
    }));
    return tables.sort((one, other) => other.bytes - one.bytes);
  });
  protected readonly largest = computed(() => this.tables()[0]?.bytes ?? 0);

  constructor() {
    const document = inject(DOCUMENT);
    const timer = setInterval(() => {
      if (!document.hidden && !this.data.isLoading()) this.data.reload();
    }, EVERY_MS);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }
}
