import { TestBed } from '@angular/core/testing';
import type {
  ContractDetail,
  Explanation,
  FileChanges,
  FileDetail,
  FirstLines,
  RollbackOut,
  SessionOut,
  TradeRow,
} from '../../api/types.gen';
import { sampleDetail } from '../../testing/files';
import { Screen, openScreen } from '../../testing/screen';
import { Ask, Question } from '../../ui/ask';
import FilePage from './file';

const EXPLANATION: Explanation = {
  uri: 's3://vendor/fx/2024-01-10.csv',
  sentence: 'loaded by run 3',
  versions: [
    {
      file_id: 7,
      version: 'etag-7',
      state: 'loaded',
      sentence: 'loaded by run 3, in place of file 2',
      hint: 'see the rejects with: trade-ingest rejects --file 7',
    },
    {
      file_id: 2,
      version: 'etag-2',
      state: 'replaced',
      sentence: 'loaded by run 1, then replaced by file 7',
      hint: '',
    },
  ],
  next_run: {
    contract: 'trade_event',
    target: 'public.trade_event',
    version: 'etag-7',
    reason: 'already_loaded',
    sentence: 'would be skipped: this version is loaded',
    is_loaded: false,
  },
};

const LINES: FirstLines = {
  uri: 's3://vendor/fx/2024-01-10.csv',
  is_same_version: true,
  lines: [
    {
      byte_offset: 0,
      text: 'TradeId,Price',
      is_cut: false,
      row_number: null,
      marks: [],
      reasons: [],
    },
    {
      byte_offset: 14,
      text: '1,abc',
      is_cut: false,
      row_number: 1,
      marks: [{ start: 2, end: 5 }],
      reasons: [{ code: 'not_a_number', column: 'price', value: 'abc' }],
    },
  ],
};

const row = (file_id: number, row_number: number, ...values: (string | null)[]): TradeRow => ({
  file_id,
  row_number,
  uri: 's3://vendor/fx/2024-01-10.csv',
  file_state: 'loaded',
  run_id: 3,
  event_at: '2024-01-10T00:00:00Z',
  symbol: null,
  values: Object.fromEntries(
    ['trade_id', 'price', 'note'].map((name, i) => [name, values[i] ?? null]),
  ),
});
const CHANGES: FileChanges = {
  file_id: 7,
  before_file_id: 2,
  target: 'public.trade_event',
  key: ['trade_id'],
  rows_before: 2199,
  rows_now: 1000,
  rows_same: 996,
  rows_added: 1,
  rows_removed: 1200,
  rows_changed: 3,
  columns: [
    { column: 'price', rows: 3 },
    { column: 'note', rows: 1 },
  ],
  is_complete: true,
  added: [row(7, 1000, 'T9', '2', null)],
  removed: [row(2, 4, 'T4', '3', 'x')],
  changed: [
    {
      before: row(2, 5, 'T5', '1', null),
      now: row(7, 5, 'T5', '1.5', 'late'),
      columns: ['price', 'note'],
    },
  ],
};

const source = { position: null, path_group: null, constant: null, expression: null };
const CONTRACT: ContractDetail = {
  name: 'trade_event',
  version: 1,
  target: 'public.trade_event',
  origin: 'builtin',
  text: null,
  definition: {
    format: { header: true, delimiter: ',', quote: '"', preamble_lines: 0 },
    drift: { unknown_columns: 'fail', missing_optional: 'null' },
    columns: [
      { name: 'trade_id', type: 'text', source: ['TradeId'], required: true, ...source },
      { name: 'price', type: 'decimal(38,10)', source: ['Price'], required: true, ...source },
    ],
  },
  used: [],
};

async function open(
  detail: FileDetail,
  scope: SessionOut['scope'] = 'operate',
  explanation: Explanation = EXPLANATION,
): Promise<Screen> {
  const screen = await openScreen(FilePage, 'files/:file_id', '/files/7', scope);
  await screen.answer('/files/7', detail);
  await screen.answer('/files/7/explanation', explanation);
  await screen.answer('/files/7/lines?limit=20', LINES);
  await screen.answer('/files/7/events?sort=-event_id', { items: [], next_cursor: null });
  await screen.answer('/contracts/trade_event', CONTRACT);
  return screen;
}

describe('File', () => {
  it('shows what became of a file, and why', async () => {
    const screen = await open(sampleDetail());

    expect(screen.text('.page-head')).toBe(
      '2024-01-10.csv ✓ loaded file 7 Roll back… run 3 its versions',
    );
    expect(screen.panel('Rows')).toBe(
      'Rows 1,000 read = 990 loaded + 4 duplicate + 6 rejected ✓ each row is accounted for' +
        ' Rejects by state ! open 6 Control totals price 1,234,567.5',
    );
    expect(screen.panel('Why')).toBe(
      'Why loaded by run 3, in place of file 2 see the rejects with: trade-ingest rejects --file 7 Copy' +
        ' The next run ↷ would be skipped: this version is loaded' +
        ' By contract trade_event into public.trade_event' +
        ' Its other versions file 2 ⇄ replaced loaded by run 1, then replaced by file 7',
    );
    expect(screen.texts('app-attempts tbody td').slice(0, 3)).toEqual(['1', '✓ loaded', 'run 3']);
    expect(screen.texts('app-attempts tbody td').slice(4)).toEqual([
      '1.0 s',
      'parse 250 ms, copy 750 ms',
      '1,000',
      '2 KiB',
      'host:1',
    ]);
    expect(screen.panel('What happened')).toBe('What happened Nothing has happened to it yet.');
    expect(screen.panel('Against the version before')).toBe('');
  });

  it('says how many rows are not accounted for', async () => {
    const screen = await open(sampleDetail({ rows_loaded: 980 }));

    expect(screen.panel('Rows')).toContain('✕ 10 rows are not accounted for');
  });

  it('marks the bad cells of the first lines', async () => {
    const screen = await open(sampleDetail());

    expect(screen.texts('mark')).toEqual(['abc']);
    expect(screen.texts('app-first-lines tbody tr')).toEqual([
      '0 TradeId,Price',
      '14 1, abc ✕ Row 1 is rejected: price: not a number (abc) rejects',
    ]);
  });

  it('holds the header against the contract', async () => {
    const screen = await open(sampleDetail({}, { header: ['Price', 'Venue'] }));

    expect(screen.texts('app-header-panel tbody tr')).toEqual([
      '– – ✕ missing trade_id text TradeId',
      '1 Price ✓ matched price decimal(38,10) Price',
      '2 Venue ? not in the contract – – –',
    ]);
  });

  it('reads the header of a file that was never loaded from its first lines', async () => {
    const error = { code: 'file.header', message: 'no such column', hint: 'change it' };
    const screen = await open(
      sampleDetail({ state: 'failed', error, rows_read: 0 }, { header: null, attempts: [] }),
    );

    expect(screen.panel('Header against contract')).toContain(
      '2 matched. The ledger has no header of it: this one was read from the file as it is now.',
    );
    expect(screen.panel('Rows')).toContain('Nothing of it is in the target.');
    expect(screen.text('.page-head')).not.toContain('Roll back');
  });

  it('compares a delivery with the one before', async () => {
    const screen = await open(sampleDetail({ replaces_file_id: 2, rows_read: 1010 }));
    await screen.answer(
      '/files/2',
      sampleDetail({ file_id: 2 }, { header: ['TradeId', 'Price', 'Note'] }),
    );
    await screen.answer('/files/7/changes?limit=10', CHANGES);

    expect(screen.panel('Against the version before')).toContain(
      'This delivery took the place of file 2 . The header has changed: Note is gone.',
    );
    expect(screen.texts('app-delivery tbody tr').slice(0, 3)).toEqual([
      'Size 2 KiB 2 KiB same',
      'Rows read 1,000 1,010 +10',
      'Loaded 990 990 same',
    ]);
    expect(screen.text('app-changed-rows p')).toBe(
      '996 rows are the same, 1 added, 1,200 removed, 3 changed (price in 3, note in 1).',
    );
    expect(screen.texts('app-changed-rows tbody tr')).toEqual([
      'changed 7 5 T5: price 1 → 1.5, note – → late',
      'added 7 1,000 T9, 2, –',
      'removed 2 4 T4, 3, x',
    ]);
  });

  it('does not compare rows that are out of the target', async () => {
    const screen = await open(sampleDetail({ replaces_file_id: 2, state: 'rolled_back' }));

    screen.http.expectNone('/api/v1/files/7/changes?limit=10');
    expect(screen.panel('Rows against the version before')).toBe('');
  });

  it('names the files that delivered the same rows', async () => {
    const screen = await open(
      sampleDetail({}, { duplicates_of: [{ file_id: 4, uri: 's3://vendor/b.csv', rows: 12 }] }),
    );

    expect(screen.panel('Other files')).toBe(
      'Other files Had delivered rows of it before File Rows b.csv file 4 12',
    );
  });

  it('keeps what it shows when it cannot be read again', async () => {
    const screen = await open(sampleDetail());
    screen.events.next({
      event_id: 1,
      event: 'file_rolled_back',
      at: '2024-01-11T02:00:02Z',
      run_id: 3,
      file_id: 7,
      uri: null,
      detail: {},
    });
    await screen.settle();
    const problem = { code: 'database.unavailable', detail: 'no database', hint: '', errors: [] };
    await screen.answer('/files/7', problem, 503);

    expect(screen.text('[role=alert]')).toContain('✕ no database');
    expect(screen.panel('Rows')).toContain('1,000 read');
  });

  it('says that there is no such file', async () => {
    const screen = await openScreen(FilePage, 'files/:file_id', '/files/7');
    const problem = {
      code: 'ledger.not_found',
      detail: 'the ledger has no file 7',
      hint: '',
      errors: [],
    };
    await screen.answer('/files/7', problem, 404);

    expect(screen.text('[role=alert]')).toContain('✕ the ledger has no file 7');
    expect(screen.text('h1')).toBe('File 7');
  });
});

describe('Rollback', () => {
  const preview: RollbackOut = {
    run_id: null,
    is_preview: true,
    files: [
      {
        file_id: 7,
        uri: 's3://vendor/a.csv',
        target: 'public.t',
        rows_removed: 990,
        restored_file_id: 2,
        rows_restored: 980,
      },
    ],
    rows_removed: 990,
    rows_restored: 980,
    rows_missing: 1,
    lost_duplicates: [{ file_id: 9, uri: 's3://vendor/c.csv', contract: 'c', rows: 5 }],
    released: ['s3://vendor/d.csv'],
  };

  it('is not offered to those who may only read', async () => {
    const screen = await open(sampleDetail(), 'read');

    expect(screen.text('.page-head')).not.toContain('Roll back');
  });

  it.each([true, false])('asks with the counts, and obeys the answer %s', async (isWanted) => {
    const screen = await open(sampleDetail());
    const asked: Question[] = [];
    const ask = TestBed.inject(Ask);
    vi.spyOn(ask, 'confirm').mockImplementation((question) => {
      asked.push(question);
      return Promise.resolve(isWanted);
    });
    const told = vi.spyOn(ask, 'tell').mockReturnValue();

    await screen.click('Roll back…');
    const first = screen.http.expectOne('/api/v1/files/7/rollback');
    expect([first.request.method, first.request.body]).toEqual(['POST', { preview: true }]);
    first.flush(preview);
    await screen.settle();

    expect(asked).toEqual([
      {
        title: 'Roll back file 7?',
        text:
          '990 rows of s3://vendor/a.csv are taken out of public.t. 980 rows of file 2 come back.\n' +
          '1 of its rows are gone from the target already.\n' +
          '5 rows that file 9 (s3://vendor/c.csv) delivered too are then in no target: load that file again afterwards.\n' +
          'The next run loads one of the files with the same content: s3://vendor/d.csv.\n' +
          'Later runs skip the file unless they are told to load it again.',
        action: 'Take out 990 rows',
        isDangerous: true,
      },
    ]);
    if (!isWanted) {
      screen.http.expectNone('/api/v1/files/7/rollback');
      return;
    }
    const second = screen.http.expectOne('/api/v1/files/7/rollback');
    expect(second.request.body).toEqual({ preview: false });
    second.flush({ ...preview, is_preview: false, run_id: 12 });
    await screen.settle();
    expect(told).toHaveBeenCalledExactlyOnceWith('File 7 is rolled back: 990 rows are out.');
    await screen.answer('/files/7', sampleDetail({ state: 'rolled_back' }));
    expect(screen.text('.page-head')).toContain('↶ rolled back');
  });

  it('says why it cannot be done', async () => {
    const screen = await open(sampleDetail());
    const refused = vi.spyOn(TestBed.inject(Ask), 'refuse').mockReturnValue();

    await screen.click('Roll back…');
    await screen.answer('/files/7/rollback', { code: 'rollback.refused', detail: 'no' }, 409);

    expect(refused).toHaveBeenCalledOnce();
    expect(screen.text('.page-head')).toContain('Roll back…');
  });
});
