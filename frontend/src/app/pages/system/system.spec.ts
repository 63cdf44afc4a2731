import { TestBed } from '@angular/core/testing';
import type {
  Checks,
  Database,
  NewTokenOut,
  Reconciliation,
  Setting,
  TokenOut,
} from '../../api/types.gen';
import { Screen, openScreen } from '../../testing/screen';
import { Ask } from '../../ui/ask';
import System from './system';

const open = (query: string, scope: 'read' | 'admin' = 'admin'): Promise<Screen> =>
  openScreen(System, 'system', `/system${query}`, scope);

const PROBLEM = {
  code: 'database.unavailable',
  detail: 'no database',
  hint: 'start it',
  errors: [],
};

describe('System', () => {
  it('has a link for each of its parts', async () => {
    const screen = await open('?tab=settings');

    expect(screen.texts('app-tabs a')).toEqual([
      'Checks',
      'Database',
      'Settings',
      'Reconciliation',
      'Tokens',
      'Audit',
    ]);
    expect(screen.texts('app-tabs a[aria-current=page]')).toEqual(['Settings']);
  });

  it('shows tokens and the audit only to administrators', async () => {
    const screen = await open('?tab=tokens', 'read');

    expect(screen.texts('app-tabs a')).not.toContain('Tokens');
    expect(screen.texts('app-tabs a[aria-current=page]')).toEqual(['Checks']);
    screen.http.expectNone('/api/v1/tokens');
  });
});

describe('Checks', () => {
  const checks: Checks = {
    state: 'fail',
    items: [
      { name: 'python', state: 'pass', message: 'Python 3.14', fix: '', duration_seconds: 0.001 },
      {
        name: 'clock',
        state: 'warn',
        message: '3 s apart',
        fix: 'let both set their clocks by NTP',
        duration_seconds: 0.002,
      },
      {
        name: 'ledger',
        state: 'fail',
        message: 'revision 0001',
        fix: 'bring it up with: trade-ingest db upgrade',
        duration_seconds: 1.5,
      },
    ],
  };

  it('are cards, the worst first, with the command that helps', async () => {
    const screen = await open('');
    await screen.answer('/system/checks', checks);
    screen.http.expectOne('/readyz').flush({ status: 'ok', ledger_revision: '0004' });
    await screen.settle();

    expect(screen.text('p[role=status]')).toBe(
      '✕ fail Something is broken: loads may fail. Checked now .',
    );
    expect(screen.texts('app-checks li')).toEqual([
      'ledger ✕ fail 1.5 s revision 0001 bring it up with: trade-ingest db upgrade Copy',
      'clock ! warn 2 ms 3 s apart let both set their clocks by NTP',
      'python ✓ pass 1 ms Python 3.14',
    ]);
    expect(screen.text('app-checks li code')).toBe('trade-ingest db upgrade');
    expect(screen.panel('Readiness')).toContain('the ledger is of revision 0004');
  });

  it('run again when asked to, and stay while they do', async () => {
    const screen = await open('');
    await screen.answer('/system/checks', checks);
    screen.http.expectOne('/readyz').flush(PROBLEM, { status: 503, statusText: '' });
    await screen.settle();
    expect(screen.panel('Readiness')).toContain('✕ no database start it');

    await screen.click('Run the checks again');

    expect(screen.text('button[actions]')).toBe('Running…');
    expect(screen.texts('app-checks li').length).toBe(3);
    await screen.answer('/system/checks', { state: 'pass', items: checks.items.slice(0, 1) });
    expect(screen.texts('app-checks li')).toEqual(['python ✓ pass 1 ms Python 3.14']);
  });
});

describe('Database', () => {
  const database: Database = {
    database: {
      server_version: '18.4',
      name: 'trades',
      size_bytes: 1048576,
      started_at: '2024-01-01T00:00:00Z',
      max_connections: 50,
      connections: 5,
    },
    connections: [
      {
        process_id: 11,
        user: 'loader',
        application: 'trade-ingest run',
        address: '10.0.0.7',
        state: 'active',
        waits_for: 'Lock: relation',
        connected_at: '2024-01-01T00:00:00Z',
        statement_seconds: 2.5,
        blocked_by: [12, 13],
      },
    ],
    locks: [{ relation: 'trade_event', mode: 'ExclusiveLock', is_granted: false, process_id: 11 }],
    tables: [
      { table: 'ingest.file', rows: 10, table_bytes: 1024, index_bytes: 1024 },
      { table: 'trade_event', rows: 49136, table_bytes: 8192, index_bytes: 2048 },
    ],
  };

  it('shows connections, locks and the largest tables first', async () => {
    const screen = await open('?tab=database');
    await screen.answer('/system/database', database);

    expect(screen.panel('Database')).toContain('PostgreSQL 18.4');
    expect(screen.panel('Database')).toContain('Size 1 MiB Connections 5 of 50 at most');
    expect(screen.texts('app-database-connections tbody tr')[0]).toMatch(
      /^11 trade-ingest run loader 10\.0\.0\.7 active Lock: relation ✕ process 12, 13 2\.5 s \d+ d ago$/,
    );
    expect(screen.texts('app-database-connections tbody tr')[1]).toBe(
      'trade_event ExclusiveLock ! waited for 11',
    );
    expect(screen.texts('section[aria-label=Tables] tbody tr')).toEqual([
      'trade_event 49,136 8 KiB 2 KiB 10 KiB',
      'ingest.file 10 1 KiB 1 KiB 2 KiB',
    ]);
  });

  it('says that nobody holds a lock', async () => {
    const screen = await open('?tab=database');
    await screen.answer('/system/database', { ...database, locks: [] });

    expect(screen.panel('Locks on tables')).toContain('Nobody holds a lock on a table');
  });
});

describe('Settings', () => {
  const setting = (name: string, changes: Partial<Setting>): Setting => ({
    name,
    value: null,
    origin: 'default',
    layer: 'default',
    variable: `TRADE_INGEST_${name.toUpperCase()}`,
    description: `What ${name} is.`,
    ...changes,
  });
  const items = [
    setting('database_url', { value: 'postgresql://***@db', origin: '.env', layer: 'env_file' }),
    setting('source', { value: ['a', 'b'] }),
    setting('connections', { value: {} }),
    setting('api_port', { value: 0, origin: '--api-port', layer: 'flag' }),
  ];

  it.each([
    [
      '',
      [
        'database_url What database_url is. postgresql://***@db .env TRADE_INGEST_DATABASE_URL',
        'source What source is. a, b default TRADE_INGEST_SOURCE',
        'connections What connections is. none default TRADE_INGEST_CONNECTIONS',
        'api_port What api_port is. 0 --api-port TRADE_INGEST_API_PORT',
      ],
    ],
    ['&layer=flag', ['api_port What api_port is. 0 --api-port TRADE_INGEST_API_PORT']],
    ['&setting=INGEST_SOURCE', ['source What source is. a, b default TRADE_INGEST_SOURCE']],
    ['&setting=nothing', []],
  ])('are filtered by %s', async (query, lines) => {
    const screen = await open(`?tab=settings${query}`);
    await screen.answer('/system/settings', { items });

    expect(screen.texts('app-settings tbody tr')).toEqual(lines);
  });
});

describe('Reconciliation', () => {
  const result: Reconciliation = {
    is_balanced: false,
    files: 2,
    rows: 1990,
    duration_seconds: 0.25,
    targets: [
      {
        target: 'public.t',
        is_balanced: false,
        files: 2,
        rows: 1990,
        mismatches: [
          {
            kind: 'rows',
            file_id: 7,
            uri: 's3://vendor/a.csv',
            column: null,
            expected: '1000',
            found: '990',
          },
          {
            kind: 'control_total',
            file_id: 7,
            uri: 's3://vendor/a.csv',
            column: 'price',
            expected: '1.5',
            found: '1.4',
          },
        ],
        lost_duplicates: [
          {
            file_id: 9,
            uri: 's3://vendor/c.csv',
            original_file_id: 7,
            original_state: 'replaced',
            rows: 5,
          },
        ],
      },
    ],
  };

  it('compares what the address names, and explains what differs', async () => {
    const screen = await open('?tab=reconciliation&target=public.t&run_id=3');
    await screen.click('Compare now');
    const request = screen.http.expectOne('/api/v1/reconciliation');
    expect(request.request.body).toEqual({ target: 'public.t', run_id: 3 });
    request.flush(result);
    await screen.settle();

    expect(screen.text('p[role=status]')).toBe(
      '✕ 2 mismatches: 2 files and 1,990 rows compared in 250 ms.',
    );
    expect(screen.texts('app-reconciled-target tbody tr')).toEqual([
      '✕ Rows in the target a.csv 1000 990' +
        ' Somebody added or removed rows of this file. Roll it back and load it again.',
      '✕ Sum of price a.csv 1.5 1.4' +
        ' Somebody changed values of this file. Roll it back and load it again.',
      'c.csv 5 file 7 , replaced',
    ]);
  });

  it('says that all agrees', async () => {
    const screen = await open('?tab=reconciliation');
    await screen.click('Compare now');
    const request = screen.http.expectOne('/api/v1/reconciliation');
    expect(request.request.body).toEqual({});
    request.flush({ is_balanced: true, files: 0, rows: 0, duration_seconds: 0, targets: [] });
    await screen.settle();

    expect(screen.text('p[role=status]')).toContain('✓ The ledger and the targets agree:');
    expect(screen.text()).toContain('There was nothing to compare.');
  });

  it('says why it could not compare', async () => {
    const screen = await open('?tab=reconciliation');
    await screen.click('Compare now');
    await screen.answer('/reconciliation', PROBLEM, 503);

    expect(screen.text('[role=alert]')).toContain('✕ no database start it');
  });
});

describe('Tokens', () => {
  const token = (token_id: number, changes: Partial<TokenOut> = {}): TokenOut => ({
    token_id,
    name: `token ${token_id}`,
    scope: 'read',
    created_by: 'ada',
    created_at: new Date().toISOString(),
    expires_at: null,
    revoked_at: null,
    last_used_at: null,
    ...changes,
  });

  it('are listed with their states; only valid ones can be revoked', async () => {
    const screen = await open('?tab=tokens');
    const past = '2024-01-01T00:00:00Z';
    await screen.answer('/tokens', {
      items: [token(3), token(2, { revoked_at: past }), token(1, { expires_at: past })],
    });

    expect(
      screen.texts('app-tokens tbody tr').map((line) => line.replace(/\d+ d ago/, 'AGO')),
    ).toEqual([
      'token 3 read ✓ valid never never now ada Revoke…',
      'token 2 read – revoked never never now ada',
      'token 1 read – expired AGO never now ada',
    ]);
  });

  it('are revoked once that is confirmed', async () => {
    const screen = await open('?tab=tokens');
    await screen.answer('/tokens', { items: [token(3)] });
    const ask = TestBed.inject(Ask);
    const confirm = vi.spyOn(ask, 'confirm').mockResolvedValueOnce(false).mockResolvedValue(true);
    const told = vi.spyOn(ask, 'tell').mockReturnValue();

    await screen.click('Revoke…');
    screen.http.expectNone('/api/v1/tokens/3');
    await screen.click('Revoke…');
    const request = screen.http.expectOne('/api/v1/tokens/3');
    expect(request.request.method).toBe('DELETE');
    request.flush(null, { status: 204, statusText: '' });
    await screen.settle();

    expect(confirm).toHaveBeenCalledTimes(2);
    expect(told).toHaveBeenCalledExactlyOnceWith('The token token 3 is revoked.');
    await screen.answer('/tokens', { items: [] });
    expect(screen.panel('Tokens')).toContain('There is no token yet.');
  });

  it('are made, and shown until somebody has them', async () => {
    const screen = await open('?tab=tokens');
    await screen.answer('/tokens', { items: [] });
    const field = (name: string) =>
      screen.element.querySelector(`[name=${name}]`) as HTMLInputElement;
    field('name').value = ' night job ';
    field('scope').value = 'operate';
    field('days').value = '30';

    await screen.click('Make the token');
    const request = screen.http.expectOne('/api/v1/tokens');
    expect([request.request.method, request.request.body]).toEqual([
      'POST',
      { name: 'night job', scope: 'operate', expires_in_days: 30 },
    ]);
    const made: NewTokenOut = { ...token(4, { name: 'night job' }), token: 'tig_secret' };
    request.flush(made);
    await screen.settle();

    expect(screen.text('.made')).toContain('The token night job is made. Copy it now');
    expect(screen.text('.made code')).toBe('tig_secret');
    await screen.answer('/tokens', { items: [token(4)] });
    await screen.click('I have it');
    expect(screen.text()).not.toContain('tig_secret');
  });

  it('say why one could not be made', async () => {
    const screen = await open('?tab=tokens');
    await screen.answer('/tokens', { items: [] });
    (screen.element.querySelector('[name=name]') as HTMLInputElement).value = 'x';
    await screen.click('Make the token');
    await screen.answer('/tokens', PROBLEM, 503);

    expect(screen.text('[role=alert]')).toContain('✕ no database start it');
  });
});

describe('Audit', () => {
  it('says who did what', async () => {
    const screen = await open('?tab=audit&actor=ada');
    await screen.answer('/audit?actor=ada', {
      items: [
        {
          audit_id: 2,
          at: '2024-01-02T03:04:05Z',
          actor: 'ada',
          action: 'rollback_file',
          subject: '/files/7',
          detail: { preview: false, why: 'wrong' },
          status: 409,
          address: '10.0.0.7',
          request_id: 'abc',
        },
      ],
      next_cursor: null,
    });

    expect(screen.texts('app-audit tbody tr')).toEqual([
      '2024-01-02 03:04:05Z ada rollback_file /files/7 ✕ 409 preview: false, why: wrong 10.0.0.7 abc',
    ]);
  });

  it('says that nobody of this name has done anything', async () => {
    const screen = await open('?tab=audit&actor=bob');
    await screen.answer('/audit?actor=bob', { items: [], next_cursor: null });

    expect(screen.panel('Audit')).toContain('Nobody of this name has changed anything.');
  });
});
