import type { QueryValue } from '../../core/api';
import type { Filter } from '../../ui/filters';

/** The filters of the list of runs: all that the API has. */
export const FILTERS: readonly Filter[] = [
  {
    name: 'state',
    label: 'State',
    kind: 'choice',
    options: ['running', 'succeeded', 'failed', 'interrupted', 'abandoned'],
    isMany: true,
  },
  {
    name: 'kind',
    label: 'Kind',
    kind: 'choice',
    options: ['ingest', 'replay', 'rollback', 'baseline'],
    isMany: true,
  },
  { name: 'target', label: 'Target', kind: 'text' },
  { name: 'contract', label: 'Contract', kind: 'text' },
  { name: 'source', label: 'Source', kind: 'text' },
  { name: 'started_from', label: 'Started from', kind: 'date' },
  { name: 'started_to', label: 'Started up to', kind: 'date' },
  { name: 'ended_from', label: 'Ended from', kind: 'date', isRare: true },
  { name: 'ended_to', label: 'Ended up to', kind: 'date', isRare: true },
  { name: 'engine', label: 'Engine', kind: 'choice', options: ['local', 'spark'], isRare: true },
  { name: 'started_by', label: 'Started by', kind: 'text', isRare: true },
  { name: 'min_files_failed', label: 'Failed files, at least', kind: 'number', isRare: true },
  { name: 'min_rows_rejected', label: 'Rejected rows, at least', kind: 'number', isRare: true },
  { name: 'min_duration_seconds', label: 'Seconds, at least', kind: 'number', isRare: true },
];

/** Views of the list that are often wanted. */
export const VIEWS: readonly { readonly label: string; readonly query: Record<string, string> }[] =
  [
    { label: 'Running', query: { state: 'running' } },
    { label: 'With failed files', query: { min_files_failed: '1' } },
    { label: 'With rejected rows', query: { min_rows_rejected: '1' } },
    { label: 'Longest first', query: { sort: '-duration_seconds' } },
  ];

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * A filter as the API takes it: days become moments, the last one to its end.
 *
 * @param isUtc whether a day is one of UTC, else of the browser.
 */
export function bound(name: string, value: QueryValue, isUtc: boolean): QueryValue {
  if (typeof value !== 'string' || !DAY.test(value)) return value;
  const at = new Date(`${value}T00:00:00${isUtc ? 'Z' : ''}`);
  if (Number.isNaN(at.getTime())) return value;
  if (name.endsWith('_to')) {
    if (isUtc) at.setUTCDate(at.getUTCDate() + 1);
    else at.setDate(at.getDate() + 1);
  }
  return at.toISOString();
}
