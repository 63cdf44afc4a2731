import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { TradeHistory } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { CountPipe, FileNamePipe } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';

/** All versions of a trade, in order: what changed, which holds, and where each came from. */
@Component({
  selector: 'app-history-panel',
  imports: [CountPipe, FileNamePipe, Panel, RouterLink, Time],
  templateUrl: './history-panel.html',
  styleUrl: './history-panel.scss',
})
export class HistoryPanel {
  readonly target = input<string>();
  readonly key = input<string>();
  readonly file_id = input<string>();
  readonly row_number = input<string>();
  protected readonly history = load<TradeHistory>(() => {
    const target = this.target();
    if (!target) return undefined;
    const of = this.key()
      ? { key: this.key() }
      : { file_id: this.file_id(), row_number: this.row_number() };
    return apiUrl('/trades/history', { target, ...of });
  });
  protected readonly versions = computed(() => this.history.value()?.versions ?? []);
  protected readonly columns = computed(() => Object.keys(this.versions()[0]?.row.values ?? {}));
  protected readonly heading = computed(() => {
    const versions = this.versions().length;
    return versions > 1 ? `History of the trade: ${versions} versions` : 'History of the trade';
  });
  protected readonly partial = computed(() =>
    this.history.value()?.is_complete === false ? 'there are more' : '',
  );
}
