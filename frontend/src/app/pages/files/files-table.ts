import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { File } from '../../api/types.gen';
import { BytesPipe, CountPipe, FileNamePipe } from '../../core/formats';
import { Live } from '../../core/live';
import { EVER_REJECTED } from '../../core/outcomes';
import { ProgressBar } from '../../ui/progress-bar';
import { Sort } from '../../ui/sort';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';
import { isSortable } from './query';
import { whyOf } from './why';

interface Column {
  /** How the list is sorted by it. */
  readonly by: string;
  readonly label: string;
  readonly isNumber?: boolean;
}

const COLUMNS: readonly Column[] = [
  { by: 'uri', label: 'File' },
  { by: 'state', label: 'State' },
  { by: 'reason', label: 'Why' },
  { by: 'rows_read', label: 'Read', isNumber: true },
  { by: 'rows_loaded', label: 'Loaded', isNumber: true },
  { by: 'rows_duplicate', label: 'Duplicate', isNumber: true },
  { by: 'rows_rejected', label: 'Rejected', isNumber: true },
  { by: 'size_bytes', label: 'Size', isNumber: true },
  { by: 'loaded_at', label: 'Loaded at' },
  { by: 'event_time_min', label: 'Events from – to' },
  { by: '', label: 'Run' },
  { by: '', label: 'Contract' },
  { by: 'attempts', label: 'Attempts', isNumber: true },
  { by: 'version', label: 'Version' },
  { by: 'file_id', label: 'Discovered' },
];

/** Files, one a line; what is being loaded moves. */
@Component({
  selector: 'app-files-table',
  imports: [BytesPipe, CountPipe, FileNamePipe, ProgressBar, RouterLink, Sort, State, Time],
  templateUrl: './files-table.html',
  styleUrl: './files-table.scss',
})
export class FilesTable {
  readonly files = input.required<readonly File[]>();
  readonly sort = input.required<string>();
  readonly run_id = input<string>();
  private readonly live = inject(Live);

  protected readonly columns = computed(() =>
    COLUMNS.map((column) => ({ ...column, isSortable: isSortable(column.by, this.run_id()) })),
  );
  protected readonly rows = computed(() =>
    this.files().map((file) => ({ file, why: whyOf(file) })),
  );
  protected readonly progress = this.live.progress;
  protected readonly EVER_REJECTED = EVER_REJECTED;
}
