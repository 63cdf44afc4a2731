import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { TradeRow, TradeTarget } from '../../api/types.gen';
import { QueryValue, apiUrl } from '../../core/api';
import { CountPipe, FileNamePipe } from '../../core/formats';
import { keysetList } from '../../core/keyset-list';
import { reloadOn } from '../../core/live';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';

/** The rows, the latest event first, each with its file and its run. */
@Component({
  selector: 'app-rows-panel',
  imports: [CountPipe, FileNamePipe, More, Panel, RouterLink],
  templateUrl: './rows-panel.html',
})
export class RowsPanel {
  readonly span = input.required<Readonly<Record<string, QueryValue>>>();
  readonly symbol = input<string>();
  readonly about = input<TradeTarget>();
  protected readonly rows = keysetList<TradeRow>(
    () => apiUrl('/trades/rows', { ...this.span(), symbol: this.symbol() }),
    (row) => `${row.file_id} ${row.row_number}`,
  );
  protected readonly columns = computed(() => this.about()?.columns ?? []);
  protected readonly heading = computed(() =>
    this.symbol() ? `Rows of ${this.symbol()}` : 'Rows',
  );

  constructor() {
    reloadOn(this.rows, (event) => event.event === 'run_ended', 5000);
  }
}
