import type { Problem } from '../../api/types.gen';
import { Draft, commandOf, mistakes, orderOf, planOf } from './order';

const FULL: Draft = {
  sources: ' s3://vendor/fx/ \n\ntrades/*.csv\n',
  contract: 'trade_event',
  date_from: '2024-01-01',
  date_to: '2024-01-31',
  on_changed: 'skip',
  max_rejects: '10,1%',
  include: '*.csv\n*.gz',
  exclude: "it's*",
  engine: 'local',
  parallelism: '4',
  settle_seconds: '0',
  checksum: 'required',
  marker: 'none',
  manifest: 'MANIFEST',
  reload: 'true',
};

const PROBLEM: Problem = {
  type: '',
  title: '',
  status: 400,
  detail: 'the request is not as documented',
  instance: '',
  code: 'api.request',
  hint: 'see the specification',
  retryable: false,
  errors: [],
  request_id: '',
};

it('orders all that was typed', () => {
  expect(orderOf(FULL)).toEqual({
    sources: ['s3://vendor/fx/', 'trades/*.csv'],
    contract: 'trade_event',
    selection: {
      date_from: '2024-01-01',
      date_to: '2024-01-31',
      include: ['*.csv', '*.gz'],
      exclude: ["it's*"],
      settle_seconds: 0,
      checksum: 'required',
      marker: '',
      manifest: 'MANIFEST',
    },
    options: {
      on_changed: 'skip',
      max_rejects: '10,1%',
      engine: 'local',
      parallelism: 4,
      reload: true,
    },
  });
});

it('leaves out what was not', () => {
  expect(orderOf({ sources: 'a', contract: '', reload: '', marker: '  ' })).toEqual({
    sources: ['a'],
  });
});

it('plans the same files as it orders', () => {
  const { sources, contract, selection } = orderOf(FULL);

  expect(planOf(orderOf(FULL), 7)).toEqual({
    sources,
    contract,
    selection,
    on_changed: 'skip',
    reload: true,
    limit: 7,
  });
  expect(planOf(orderOf({ sources: 'a' }), 7)).toEqual({ sources: ['a'], limit: 7 });
});

it('says the command line that does the same, quoted for a shell', () => {
  expect(commandOf(FULL)).toBe(
    'trade-ingest run --contract trade_event --on-changed skip --from 2024-01-01 --to 2024-01-31' +
      ` --max-rejects 10,1% --include '*.csv' --include '*.gz' --exclude 'it'"'"'s*' --engine local` +
      ` --parallelism 4 --settle 0 --checksum required --marker '' --manifest MANIFEST --reload` +
      ` s3://vendor/fx/ 'trades/*.csv'`,
  );
  expect(commandOf({ sources: '-x' })).toBe('trade-ingest run -- -x');
  expect(commandOf({})).toBe('trade-ingest run SOURCE');
});

it('finds the field of each mistake', () => {
  const errors = [
    { pointer: '/sources/1', detail: 'too short' },
    { pointer: '/options/max_rejects', detail: "String should match pattern '^x$'" },
    { pointer: '/on_changed', detail: 'is none' },
    { pointer: '/limit', detail: 'too large' },
  ];

  expect([...mistakes({ ...PROBLEM, errors })]).toEqual([
    ['sources', ['Line 2: too short']],
    ['max_rejects', ['Expected: 10, 1% or 10,1%; empty: as the contract says.']],
    ['on_changed', ['is none']],
    ['', ['/limit: too large']],
  ]);
});

it.each([
  ['source.not_allowed', 'sources'],
  ['store.permission', 'sources'],
  ['contract.unknown', 'contract'],
  ['usage', ''],
])('puts %s at the field "%s"', (code, field) => {
  expect([...mistakes({ ...PROBLEM, code, detail: 'no', hint: 'do' })]).toEqual([
    [field, ['no. do']],
  ]);
});
