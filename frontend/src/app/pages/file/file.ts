import { Component, computed, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type {
  ContractDetail,
  Explanation,
  FileDetail,
  FirstLines,
  LedgerEvent,
} from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { FileNamePipe } from '../../core/formats';
import { keysetList } from '../../core/keyset-list';
import { Live, reloadOn } from '../../core/live';
import { Session } from '../../core/session';
import { Copy } from '../../ui/copy';
import { Panel } from '../../ui/panel';
import { ProgressBar } from '../../ui/progress-bar';
import { State } from '../../ui/state';
import { Attempts } from './attempts';
import { ChangedRows } from './changed-rows';
import { DeliveryPanel } from './delivery-panel';
import { ExplanationPanel } from './explanation';
import { FileFacts } from './facts';
import { FileEvents } from './file-events';
import { FirstLinesPanel } from './first-lines';
import { HeaderPanel } from './header-panel';
import { Relations } from './relations';
import { Rollback } from './rollback';
import { FileRows } from './rows';

/** One version of a file: what became of it, and why. */
@Component({
  selector: 'app-file',
  imports: [
    Attempts,
    ChangedRows,
    Copy,
    DeliveryPanel,
    ExplanationPanel,
    FileEvents,
    FileFacts,
    FileNamePipe,
    FileRows,
    FirstLinesPanel,
    HeaderPanel,
    Panel,
    ProgressBar,
    Relations,
    RouterLink,
    State,
  ],
  templateUrl: './file.html',
  styleUrl: './file.scss',
})
export default class File {
  readonly file_id = input.required<string>();
  /** How many of its first lines are shown. */
  readonly lines = input<string>();
  private readonly live = inject(Live);
  private readonly rollback = inject(Rollback);
  protected readonly session = inject(Session);

  protected readonly id = computed(() => Number(this.file_id()));
  protected readonly detail = load<FileDetail>(() => apiUrl(`/files/${this.file_id()}`));
  protected readonly explanation = load<Explanation>(() =>
    apiUrl(`/files/${this.file_id()}/explanation`),
  );
  protected readonly limit = computed(() => (this.lines() === '200' ? 200 : 20));
  protected readonly firstLines = load<FirstLines>(() =>
    apiUrl(`/files/${this.file_id()}/lines`, { limit: this.limit() }),
  );
  private readonly contractName = computed(() => this.detail.value()?.file.contract);
  protected readonly contract = load<ContractDetail>(() => {
    const name = this.contractName();
    return name && apiUrl(`/contracts/${encodeURIComponent(name)}`);
  });
  protected readonly events = keysetList<LedgerEvent>(
    () => apiUrl(`/files/${this.file_id()}/events`, { sort: '-event_id' }),
    (event) => event.event_id,
  );
  protected readonly moving = computed(() => this.live.progress().get(this.id()));
  protected readonly canRollBack = computed(
    () => this.session.canOperate() && this.detail.value()?.file.state === 'loaded',
  );
  protected readonly isBusy = signal(false);

  constructor() {
    for (const data of [this.detail, this.explanation, this.events]) {
      reloadOn(data, (event) => event.file_id === this.id());
    }
  }

  protected async rollBack(): Promise<void> {
    this.isBusy.set(true);
    const isDone = await this.rollback.of(this.id());
    this.isBusy.set(false);
    if (!isDone) return;
    for (const data of [this.detail, this.explanation, this.events]) data.reload();
  }
}
