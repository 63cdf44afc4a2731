import type { ListFilesData } from '../../api/types.gen';
import { QueryValue } from '../../core/api';
import { Filter } from '../../ui/filters';

export type FilterName = Exclude<
  keyof NonNullable<ListFilesData['query']>,
  'limit' | 'cursor' | 'sort' | 'include'
>;

const STATES = [
  'pending',
  'loaded',
  'failed',
  'skipped',
  'replaced',
  'rolled_back',
  'baseline',
] as const;

export const FILTERS: readonly (Filter & { readonly name: FilterName })[] = [
  { name: 'uri', label: 'Name or URI', kind: 'text' },
  { name: 'state', label: 'State', kind: 'choice', options: STATES, isMany: true },
  { name: 'reason', label: 'Reason or error code', kind: 'text' },
  { name: 'contract', label: 'Contract', kind: 'text' },
  { name: 'target', label: 'Target', kind: 'text' },
  { name: 'run_id', label: 'Run', kind: 'number' },
  { name: 'loaded_from', label: 'Loaded from (UTC)', kind: 'date' },
  { name: 'loaded_to', label: 'Loaded before (UTC)', kind: 'date' },
  { name: 'discovered_from', label: 'Discovered from (UTC)', kind: 'date' },
  { name: 'discovered_to', label: 'Discovered before (UTC)', kind: 'date' },
  { name: 'event_from', label: 'Events from (UTC)', kind: 'date' },
  { name: 'event_to', label: 'Events before (UTC)', kind: 'date' },
  { name: 'min_size_bytes', label: 'Bytes, at least', kind: 'number' },
  { name: 'max_size_bytes', label: 'Bytes, at most', kind: 'number' },
  { name: 'min_rows_rejected', label: 'Rejects, at least', kind: 'number' },
];

/** The filters that are always shown; the others are behind a button until one is set. */
export const FIRST_FILTERS = FILTERS.slice(0, 5);

export const NEWEST = '-file_id';

const SORTS: readonly string[] = [
  'file_id',
  'uri',
  'size_bytes',
  'rows_read',
  'rows_rejected',
  'loaded_at',
];
/** The API sorts by these only the files of one run. */
const SORTS_OF_A_RUN: readonly string[] = [
  'modified_at',
  'event_time_min',
  'rows_loaded',
  'rows_duplicate',
  'state',
  'version',
  'reason',
  'attempts',
];

/** Whether the list can be sorted by a column. */
export function isSortable(column: string, run_id: string | undefined): boolean {
  return SORTS.includes(column) || (!!run_id && SORTS_OF_A_RUN.includes(column));
}

/** The order that an address asks for, as far as the API has it. */
export function sortOf(sort: string | undefined, run_id: string | undefined): string {
  return sort && isSortable(sort.replace(/^-/, ''), run_id) ? sort : NEWEST;
}

/** A parameter of the screen as the API takes it: a day is its first moment in UTC. */
export function asked(name: string, value: string | readonly string[] | undefined): QueryValue {
  if (value === undefined || typeof value !== 'string') return value?.join(',');
  return /_(from|to)$/.test(name) && /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value;
}
