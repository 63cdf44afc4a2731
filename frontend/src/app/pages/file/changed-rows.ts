import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { FileChanges, TradeRow } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { CountPipe, count } from '../../core/formats';
import { Panel } from '../../ui/panel';

/** A row that one delivery has and the other has not, or has otherwise. */
export interface RowChange {
  readonly what: 'added' | 'removed' | 'changed';
  readonly row: TradeRow;
  /** Its values, or what has changed of them. */
  readonly values: string;
}

/** What a new delivery of a file changed, row by row. */
@Component({
  selector: 'app-changed-rows',
  imports: [CountPipe, Panel, RouterLink],
  templateUrl: './changed-rows.html',
})
export class ChangedRows {
  readonly file_id = input.required<number>();
  protected readonly changes = load<FileChanges>(() =>
    apiUrl(`/files/${this.file_id()}/changes`, { limit: 10 }),
  );
  protected readonly sentence = computed(() => {
    const changes = this.changes.value();
    return changes ? sentenceOf(changes) : '';
  });
  protected readonly rows = computed(() => {
    const changes = this.changes.value();
    return changes ? rowsOf(changes) : [];
  });
}

/** How many rows changed, and in which columns. */
export function sentenceOf(changes: FileChanges): string {
  const columns = changes.columns.map(({ column, rows }) => `${column} in ${count(rows)}`);
  return [
    `${count(changes.rows_same)} rows are the same`,
    `${count(changes.rows_added)} added`,
    `${count(changes.rows_removed)} removed`,
    ...(changes.key.length
      ? [
          `${count(changes.rows_changed)} changed` +
            (columns.length ? ` (${columns.join(', ')})` : ''),
        ]
      : []),
  ].join(', ');
}

/** The first rows of each kind; of those that have a key and changed, what they were and are. */
export function rowsOf(changes: FileChanges): readonly RowChange[] {
  const whole =
    (what: RowChange['what']) =>
    (row: TradeRow): RowChange => ({ what, row, values: valuesOf(row, Object.keys(row.values)) });
  return [
    ...changes.changed.map(({ before, now, columns }): RowChange => {
      const changed = columns.map(
        (name) => `${name} ${before.values[name] ?? '–'} → ${now.values[name] ?? '–'}`,
      );
      const key = valuesOf(now, changes.key);
      return { what: 'changed', row: now, values: `${key}: ${changed.join(', ')}` };
    }),
    ...changes.added.map(whole('added')),
    ...changes.removed.map(whole('removed')),
  ];
}

function valuesOf(row: TradeRow, columns: readonly string[]): string {
  return columns.map((name) => row.values[name] ?? '–').join(', ');
}
