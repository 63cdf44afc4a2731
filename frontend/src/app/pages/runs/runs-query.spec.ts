import { FILTERS, bound } from './runs-query';

it('offers each filter that the API has', () => {
  expect(FILTERS.map((filter) => filter.name).sort()).toEqual([
    'contract',
    'ended_from',
    'ended_to',
    'engine',
    'kind',
    'min_duration_seconds',
    'min_files_failed',
    'min_rows_rejected',
    'source',
    'started_by',
    'started_from',
    'started_to',
    'state',
    'target',
  ]);
});

it.each([
  ['started_from', '2024-02-28', '2024-02-28T00:00:00.000Z'],
  ['started_to', '2024-02-28', '2024-02-29T00:00:00.000Z'],
  ['ended_to', '2024-12-31', '2025-01-01T00:00:00.000Z'],
  ['ended_to', '2024-12-31T12:00:00Z', '2024-12-31T12:00:00Z'],
  ['started_from', '2024-99-99', '2024-99-99'],
  ['source', 'fx*', 'fx*'],
  ['source', undefined, undefined],
])('takes %s=%s as %s', (name, value, expected) => {
  expect(bound(name, value, true)).toBe(expected);
});

it('takes a day of the browser as one of its zone', () => {
  expect(bound('started_to', '2024-02-28', false)).toBe(new Date(2024, 1, 29).toISOString());
});
