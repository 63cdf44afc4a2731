import type { File, FilePage } from '../../api/types.gen';
import { sampleFile } from '../../testing/files';
import { Screen, openScreen } from '../../testing/screen';
import Files from './files';
import { asked, sortOf } from './query';
import { whyOf } from './why';

const page = (...items: File[]): FilePage => ({ items, next_cursor: null });
const open = (address: string): Promise<Screen> => openScreen(Files, 'files', address);

describe('Files', () => {
  it('asks for what the address says, days as moments in UTC', async () => {
    const screen = await open(
      '/files?uri=btc*&state=failed&state=skipped&reason=same_content&contract=c&target=t.u&run_id=3' +
        '&loaded_from=2024-01-02&loaded_to=2024-01-03T04:05:06Z&discovered_from=2024-01-04' +
        '&discovered_to=2024-01-05&event_from=2024-01-06&event_to=2024-01-07&min_size_bytes=1' +
        '&max_size_bytes=2&min_rows_rejected=3&sort=-rows_loaded',
    );

    const request = screen.http.expectOne(({ url }) => url.startsWith('/api/v1/files?'));
    expect(Object.fromEntries(new URL(request.request.url, 'http://host').searchParams)).toEqual({
      uri: 'btc*',
      state: 'failed,skipped',
      reason: 'same_content',
      contract: 'c',
      target: 't.u',
      run_id: '3',
      loaded_from: '2024-01-02T00:00:00Z',
      loaded_to: '2024-01-03T04:05:06Z',
      discovered_from: '2024-01-04T00:00:00Z',
      discovered_to: '2024-01-05T00:00:00Z',
      event_from: '2024-01-06T00:00:00Z',
      event_to: '2024-01-07T00:00:00Z',
      min_size_bytes: '1',
      max_size_bytes: '2',
      min_rows_rejected: '3',
      sort: '-rows_loaded',
    });
  });

  it('shows each file with what became of it', async () => {
    const screen = await open('/files');
    const skipped = sampleFile({
      file_id: 8,
      uri: 's3://vendor/fx/again.csv',
      state: 'skipped',
      reason: 'same_content',
      same_as_file_id: 7,
      rows_read: 0,
      rows_loaded: 0,
      rows_duplicate: 0,
      rows_rejected: 0,
      event_time_min: null,
      event_time_max: null,
      loaded_at: null,
      run_id: null,
    });
    await screen.answer('/files?sort=-file_id', page(skipped, sampleFile()));

    expect(screen.texts('tbody tr').map((line) => line.replace(/\d+ d ago/g, 'AGO'))).toEqual([
      'again.csv ↷ skipped same content as file 7 0 0 0 0 2 KiB – – – trade_event v1 1 etag-7 AGO',
      '2024-01-10.csv ✓ loaded 1,000 990 4 6 2 KiB AGO 2024-01-10 00:00:00Z – 2024-01-10 23:59:59Z' +
        ' run 3 trade_event v1 1 etag-7 AGO',
    ]);
    expect(screen.element.querySelector('tbody th a')?.getAttribute('title')).toBe(
      's3://vendor/fx/again.csv',
    );
    const links = [...screen.element.querySelectorAll('tbody a')].map((a) =>
      a.getAttribute('href'),
    );
    expect(links).toEqual([
      '/files/8',
      '/files/7',
      '/contracts/trade_event',
      '/files/7',
      '/trades?target=public.trade_event&file_id=7',
      '/rejects?file_id=7&state=open&state=replayed&state=discarded',
      '/runs/3',
      '/contracts/trade_event',
    ]);
  });

  it.each([
    ['/files', ['File', 'Read', 'Rejected', 'Size', 'Loaded at', 'Discovered']],
    [
      '/files?run_id=3',
      [
        'File',
        'State',
        'Why',
        'Read',
        'Loaded',
        'Duplicate',
        'Rejected',
        'Size',
        'Loaded at',
        'Events from – to',
        'Attempts',
        'Version',
        'Discovered',
      ],
    ],
  ])('sorts %s by what the API has', async (address, columns) => {
    const screen = await open(address);
    screen.http.expectOne(({ url }) => url.startsWith('/api/v1/files?')).flush(page(sampleFile()));
    await screen.settle();

    const heads = screen.texts('thead th button').map((head) => head.replace(/ ▼$/, ''));
    expect(heads).toEqual(columns);
    expect(screen.texts('th[aria-sort=descending]')).toEqual(['Discovered ▼']);
  });

  it('says what to run where there is no file', async () => {
    const screen = await open('/files');
    await screen.answer('/files?sort=-file_id', page());

    expect(screen.panel('List of files')).toBe(
      'List of files No run has found a file yet. trade-ingest run FOLDER Copy',
    );
  });

  it('takes the filters out where none matches', async () => {
    const screen = await open('/files?uri=nothing&other=1');
    await screen.answer('/files?uri=nothing&sort=-file_id', page());
    expect(screen.panel('List of files')).toBe('List of files No file matches these filters.');

    await screen.click('Clear the filters');

    expect(screen.url).toBe('/files?other=1');
    screen.http.expectOne('/api/v1/files?sort=-file_id');
  });

  it('says what went wrong', async () => {
    const screen = await open('/files');
    const problem = {
      code: 'database.unavailable',
      detail: 'no database',
      hint: 'start it',
      errors: [],
    };
    await screen.answer('/files?sort=-file_id', problem, 503);

    expect(screen.text('[role=alert]')).toBe(
      '✕ no database start it database.unavailable Try again',
    );
  });

  it('reads the list again when a file ends', async () => {
    const screen = await open('/files');
    await screen.answer('/files?sort=-file_id', page());
    screen.events.next({
      event_id: 1,
      event: 'file_loaded',
      at: '2024-01-11T02:00:02Z',
      run_id: 3,
      file_id: 7,
      uri: null,
      detail: {},
    });
    await screen.answer('/files?sort=-file_id', page(sampleFile()));

    expect(screen.texts('tbody th')).toEqual(['2024-01-10.csv']);
  });
});

describe('sortOf', () => {
  it('keeps to what the API sorts by', () => {
    expect(sortOf('rows_read', undefined)).toBe('rows_read');
    expect(sortOf('-rows_loaded', '3')).toBe('-rows_loaded');
    expect(sortOf('-rows_loaded', undefined)).toBe('-file_id');
    expect(sortOf(undefined, '3')).toBe('-file_id');
    expect(sortOf('nonsense', '3')).toBe('-file_id');
  });
});

describe('asked', () => {
  it('makes moments of days only where moments are asked for', () => {
    expect(asked('event_to', '2024-01-02')).toBe('2024-01-02T00:00:00Z');
    expect(asked('uri', '2024-01-02')).toBe('2024-01-02');
    expect(asked('state', ['a', 'b'])).toBe('a,b');
    expect(asked('uri', undefined)).toBeUndefined();
  });
});

describe('whyOf', () => {
  it('says why in words', () => {
    const why = (changes: Partial<File>) => whyOf(sampleFile(changes));

    expect(why({})).toEqual({ text: '' });
    expect(why({ replaces_file_id: 2 })).toEqual({ text: 'in place of', file_id: 2 });
    expect(why({ reason: 'recheck' })).toEqual({
      text: 'the next run loads it again: rows it repeated are gone',
    });
    expect(why({ state: 'skipped', reason: 'same_content', same_as_file_id: 4 })).toEqual({
      text: 'same content as',
      file_id: 4,
    });
    expect(why({ state: 'skipped', reason: 'changed', same_as_file_id: 4 })).toEqual({
      text: 'changed files are skipped; loaded is',
      file_id: 4,
    });
    expect(why({ state: 'skipped', reason: 'another_reason' })).toEqual({ text: 'another reason' });
    const error = { code: 'file.header', message: 's3://vendor/fx/2024-01-10.csv: no header' };
    expect(why({ state: 'failed', error })).toEqual({ text: 'no header' });
    expect(why({ state: 'failed', reason: 'file.header' })).toEqual({ text: 'file.header' });
    expect(why({ state: 'replaced' })).toEqual({ text: 'a newer version took its place' });
    expect(why({ state: 'replaced', reason: 'superseded' })).toEqual({
      text: 'an earlier delivery of the same version was brought back',
    });
    expect(why({ state: 'rolled_back' })).toEqual({ text: 'somebody took its rows out' });
    expect(why({ state: 'baseline' })).toEqual({
      text: 'a baseline marked it as loaded; it was not read',
    });
    expect(why({ state: 'pending' })).toEqual({ text: 'being loaded, or its run was interrupted' });
  });
});
