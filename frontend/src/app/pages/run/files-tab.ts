import { Component, computed, inject, input } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { RouterLink } from '@angular/router';
import { scan } from 'rxjs';
import type { File, LiveEvent } from '../../api/types.gen';
import { apiUrl } from '../../core/api';
import { Clock } from '../../core/clock';
import {
  BytesPipe,
  CountPipe,
  FileNamePipe,
  RatePipe,
  SecondsPipe,
  seconds,
} from '../../core/formats';
import { keysetList } from '../../core/keyset-list';
import { reloadOn } from '../../core/live';
import { EVER_REJECTED } from '../../core/outcomes';
import { Filter, Filters } from '../../ui/filters';
import { More } from '../../ui/more';
import { Panel } from '../../ui/panel';
import { ProgressBar } from '../../ui/progress-bar';
import { Sort } from '../../ui/sort';
import { State } from '../../ui/state';
import { FileRow, endingOf, rowsOf } from './file-rows';
import { Moving, MovingFile, secondsLeft } from './moving';
import { RowWindow } from './row-window';
import { eventBatches } from './run-events';
import { steady } from './steady';

const STATES: readonly File['state'][] = [
  'pending',
  'loaded',
  'failed',
  'skipped',
  'replaced',
  'rolled_back',
];
const FILTERS: readonly Filter[] = [
  { name: 'state', label: 'State', kind: 'choice', options: STATES, isMany: true },
  { name: 'uri', label: 'File', kind: 'text' },
];
const STILL_MS = 10_000;

/** The files of a run: first those that move, then those that ended. */
@Component({
  selector: 'app-files-tab',
  imports: [
    BytesPipe,
    CountPipe,
    FileNamePipe,
    Filters,
    More,
    Panel,
    ProgressBar,
    RatePipe,
    RouterLink,
    RowWindow,
    SecondsPipe,
    Sort,
    State,
  ],
  templateUrl: './files-tab.html',
  styleUrl: './files-tab.scss',
})
export class FilesTab {
  readonly run_id = input.required<number>();
  readonly isRunning = input.required<boolean>();
  readonly hasFiles = input(true);
  readonly moving = input.required<Moving>();
  readonly sort = input.required<string>();
  readonly state = input.required<readonly string[]>();
  readonly uri = input.required<string>();
  private readonly clock = inject(Clock);

  protected readonly filters = FILTERS;
  protected readonly EVER_REJECTED = EVER_REJECTED;
  protected readonly list = steady(
    keysetList<File>(
      () =>
        apiUrl(`/runs/${this.run_id()}/files`, {
          limit: 500,
          sort: this.sort(),
          state: this.state(),
          uri: this.uri(),
        }),
      (file) => file.file_id,
    ),
    this.run_id,
  );
  /** How files ended that the list still has as they were before. */
  private readonly endings = toSignal(
    eventBatches((event) => this.concerns(event)).pipe(
      scan((before: ReadonlyMap<number, LiveEvent>, events) => {
        const known = new Set(this.list.items().map((file) => file.file_id));
        const kept = [...before.values(), ...events].filter(
          ({ file_id }) => file_id !== null && known.has(file_id),
        );
        return new Map(kept.map((event) => [event.file_id ?? 0, event]));
      }, new Map<number, LiveEvent>()),
    ),
    { initialValue: new Map<number, LiveEvent>() },
  );
  protected readonly rows = computed<readonly FileRow[]>(() =>
    rowsOf(this.moving(), this.list.items(), this.endings(), {
      state: this.state(),
      uri: this.uri(),
      sort: this.sort(),
    }),
  );

  constructor() {
    reloadOn(this.list, (event) => this.concerns(event), 2000);
  }

  protected isMoving(row: FileRow): row is MovingFile {
    return 'progress' in row;
  }

  /** How long a file still needs; what is read is still to be written. */
  protected left(file: MovingFile): string {
    const left = secondsLeft(file);
    if (left === undefined) return '–';
    return left > 0 ? `${seconds(left)} left` : 'finishing';
  }

  /** For how many seconds nothing was heard of a file; undefined: it moves. */
  protected still(file: MovingFile): number | undefined {
    const past = this.clock.now() - file.at;
    return past > STILL_MS ? past / 1000 : undefined;
  }

  private concerns(event: LiveEvent): boolean {
    return event.run_id === this.run_id() && endingOf(event) !== undefined;
  }
}
