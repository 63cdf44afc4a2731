import { TestBed } from '@angular/core/testing';
import type { DayCount, Reject, RejectGroup, ReplayOut, SessionOut } from '../../api/types.gen';
import { PROBLEM_SAID, sampleProblem } from '../../testing/problem';
import { Screen, openScreen } from '../../testing/screen';
import { Ask, Question } from '../../ui/ask';
import Rejects from './rejects';

const GROUPS = '/rejects/groups?days=30';
const OF_FEED = 'contract=trade_event&reason=invalid_decimal&column=price';
const page = (...items: Reject[]): object => ({ items, next_cursor: null });

function sampleReject(changes: Partial<Reject> = {}): Reject {
  return {
    reject_id: 11,
    file_id: 7,
    uri: 's3://vendor/fx/day.csv',
    run_id: 3,
    row_number: 1200,
    byte_offset: 64,
    raw_text: 'A1,abc,5',
    reasons: [{ code: 'invalid_decimal', column: 'price', value: 'abc' }],
    marks: [{ start: 3, end: 6 }],
    state: 'open',
    resolved_at: null,
    resolved_run_id: null,
    discard_reason: null,
    ...changes,
  };
}

function sampleGroup(changes: Partial<RejectGroup> = {}): RejectGroup {
  return {
    reason: 'invalid_decimal',
    column: 'price',
    contract: 'trade_event',
    rejects: 1200,
    files: 2,
    example_reject_id: 11,
    example_value: 'abc',
    days: [],
    ...changes,
  };
}

function sampleReplay(changes: Partial<ReplayOut> = {}): ReplayOut {
  return {
    run_id: null,
    is_preview: true,
    rows_tried: 1,
    rows_loaded: 1,
    rows_duplicate: 0,
    rows_rejected: 0,
    reasons: {},
    files: [],
    refused: [],
    ...changes,
  };
}

const open = (query = '', scope: SessionOut['scope'] = 'operate'): Promise<Screen> =>
  openScreen(Rejects, 'rejects', `/rejects${query}`, scope);

/** The screen with the filters of a group, its group and one of its rows. */
async function openGroup(scope: SessionOut['scope'] = 'operate'): Promise<Screen> {
  const screen = await open(`?${OF_FEED}`, scope);
  await screen.answer(`/rejects/groups?${OF_FEED}&days=30`, { items: [sampleGroup()] });
  await screen.answer(`/rejects?${OF_FEED}`, page(sampleReject()));
  return screen;
}

/** What was posted, and its answer. */
async function posted(
  screen: Screen,
  path: string,
  answer: object,
  status = 200,
): Promise<unknown> {
  const request = screen.http.expectOne(
    ({ method, url }) => method === 'POST' && url.endsWith(path),
  );
  request.flush(answer, { status, statusText: String(status) });
  await screen.settle();
  return request.request.body;
}

/** After a change both lists are read again. */
async function readAgain(screen: Screen): Promise<void> {
  await screen.answer(`/rejects/groups?${OF_FEED}&days=30`, { items: [] });
  await screen.answer(`/rejects?${OF_FEED}`, page());
}

function hrefs(screen: Screen, selector: string): (string | null)[] {
  return [...screen.element.querySelectorAll(selector)].map((link) => link.getAttribute('href'));
}

/** Answer all questions alike, and keep them. */
function answerAll(isSure: boolean): Question[] {
  const questions: Question[] = [];
  vi.spyOn(TestBed.inject(Ask), 'confirm').mockImplementation((question) => {
    questions.push(question);
    return Promise.resolve(isSure);
  });
  return questions;
}

async function write(screen: Screen, selector: string, text: string): Promise<void> {
  const entry = screen.element.querySelector<HTMLInputElement>(selector);
  if (!entry) throw new Error(`no entry ${selector}`);
  entry.value = text;
  entry.dispatchEvent(new Event('input'));
  await screen.settle();
}

describe('Rejects', () => {
  it('asks for what the address says', async () => {
    const screen = await open(
      '?contract=c&reason=r&column=p&file_id=7&run_id=3&state=open&state=discarded&days=90',
    );

    const filters =
      'contract=c&reason=r&column=p&file_id=7&run_id=3&days=90&state=open%2Cdiscarded';
    await screen.answer(`/rejects/groups?${filters}`, { items: [] });
    await screen.answer(`/rejects?${filters}`, page());
    expect(screen.texts('app-filters li:not(.all)').length).toBe(8);
  });

  it('waits for both of its lists', async () => {
    const screen = await open();

    expect(screen.panel('What is wrong')).toContain('Loading What is wrong');
    expect(screen.panel('Rows')).toContain('Loading Rows');
  });

  it('says what to run where nothing was ever rejected', async () => {
    const screen = await open();
    await screen.answer(GROUPS, { items: [] });
    await screen.answer('/rejects', page());

    expect(screen.text('app-reject-groups .empty')).toBe(
      'No reject of this time is open. Rows are checked by each run: trade-ingest run FOLDER Copy',
    );
    expect(screen.text('app-reject-rows .empty')).toBe('No such reject.');
  });

  it('says what stands against each list, and tries again', async () => {
    const screen = await open();
    await screen.answer('/rejects', page(sampleReject()));
    await screen.answer(GROUPS, sampleProblem(), 503);
    expect(screen.panel('What is wrong')).toContain(PROBLEM_SAID);
    expect(screen.texts('app-reject-rows li').length).toBe(1);

    await screen.click('Try again');
    await screen.answer(GROUPS, { items: [sampleGroup()] });
    expect(screen.texts('app-reject-groups tbody tr').length).toBe(1);
  });

  it('keeps its rows, and says how old they are, when they cannot be read again', async () => {
    const screen = await open();
    await screen.answer(GROUPS, { items: [] });
    await screen.answer('/rejects', page(sampleReject()));

    screen.events.next({
      ...{ event_id: 1, at: '2024-01-11T00:00:00Z', event: 'run_ended' },
      ...{ run_id: 3, file_id: null, uri: null, detail: {} },
    });
    await screen.settle();
    await screen.answer(GROUPS, { items: [] });
    await screen.answer('/rejects', sampleProblem(), 503);

    expect(screen.panel('Rows')).toContain('stale, as of now');
    expect(screen.texts('app-reject-rows li').length).toBe(1);
  });
});

describe('Groups of rejects', () => {
  it('are contract, reason and column with their trend, and lead to their rows', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const days: DayCount[] = [{ date: today, rejects: 1200 }];
    const screen = await open();
    await screen.answer(GROUPS, {
      items: [
        sampleGroup({ days }),
        sampleGroup({ reason: 'key_conflict', column: null, rejects: 1 }),
      ],
    });
    await screen.answer('/rejects', page());

    expect(screen.texts('app-reject-groups tbody tr')).toEqual([
      `trade_event invalid decimal price 1,200 2 ${today}: 1,200 abc`,
      'trade_event key conflict – 1 2 abc',
    ]);
    expect(hrefs(screen, 'app-reject-groups tbody tr:first-child a')).toEqual([
      '/contracts/trade_event',
      `/rejects?${OF_FEED}&days=30#rows`,
      `/rejects?${OF_FEED}&days=30#files`,
    ]);
    const bar = screen.element.querySelector('app-trend rect');
    expect([bar?.getAttribute('height'), Number(bar?.getAttribute('x'))]).toEqual(['24', 116]);
  });

  it('are of the days that are chosen', async () => {
    const screen = await open();
    await screen.answer(GROUPS, { items: [sampleGroup()] });
    await screen.answer('/rejects', page());
    const span = screen.element.querySelector<HTMLSelectElement>('app-reject-groups select');
    if (span) span.value = '365';
    span?.dispatchEvent(new Event('change'));
    await screen.settle();

    expect(screen.url).toBe('/rejects?days=365');
    await screen.answer('/rejects/groups?days=365', { items: [] });
    await screen.answer('/rejects?days=365', page());
  });

  it('say when they are not all', async () => {
    const screen = await open();
    const items = Array.from({ length: 201 }, (_, at) => sampleGroup({ column: `c${at}` }));
    await screen.answer(GROUPS, { items });
    await screen.answer('/rejects', page());

    expect(screen.text('app-reject-groups .badge')).toBe('the first 200 of 201');
    expect(screen.texts('app-reject-groups tbody tr').length).toBe(200);
  });
});

describe('Files of rejects', () => {
  const FILES = `/rejects/files?${OF_FEED}&days=30`;
  const file = { file_id: 7, uri: 's3://vendor/fx/day.csv', state: 'loaded', rejects: 1100 };

  it('are counted where the rejects are narrowed, and lead to the rejects of each', async () => {
    const screen = await openGroup();
    await screen.answer(FILES, { items: [file], files: 2 });

    expect(screen.texts('app-reject-files tbody tr')).toEqual(['day.csv ✓ loaded 1,100']);
    expect(screen.text('app-reject-files .badge')).toBe('the first 1 of 2');
    expect(hrefs(screen, 'app-reject-files a')).toEqual([
      '/files/7',
      `/rejects?${OF_FEED}&file_id=7&days=30#rows`,
    ]);
  });

  it('are not counted where the rejects are those of one file', async () => {
    const screen = await open(`?${OF_FEED}&file_id=7`);

    expect(screen.texts('app-reject-files')).toEqual([]);
  });
});

describe('Rows of rejects', () => {
  it('are as delivered, the bad cell marked, with file and run', async () => {
    const screen = await open();
    await screen.answer(GROUPS, { items: [] });
    await screen.answer('/rejects', page(sampleReject()));

    expect(screen.text('app-reject-rows .where')).toBe('Row 1,200 of day.csv run 3 Correct…');
    expect(screen.text('app-reject-rows .fault')).toBe('✕ price: invalid decimal (abc)');
    const line = screen.element.querySelector('app-reject-rows code');
    expect(line?.textContent.trim()).toBe('A1,abc,5');
    expect(screen.texts('app-reject-rows mark')).toEqual(['abc']);
    expect(hrefs(screen, 'app-reject-rows a')).toEqual([
      '/api/v1/rejects/export',
      '/files/7',
      '/runs/3',
    ]);
  });

  it('say what became of them', async () => {
    const screen = await open('?state=replayed&state=discarded');
    await screen.answer('/rejects/groups?days=30&state=replayed%2Cdiscarded', { items: [] });
    await screen.answer(
      '/rejects?state=replayed%2Cdiscarded',
      page(
        sampleReject({ state: 'replayed', resolved_run_id: 9 }),
        sampleReject({ reject_id: 12, state: 'discarded', discard_reason: 'a test' }),
      ),
    );

    expect(screen.texts('app-reject-rows .where')).toEqual([
      'Row 1,200 of day.csv run 3 ✓ replayed by run 9',
      'Row 1,200 of day.csv run 3 – discarded “a test”',
    ]);
    expect(screen.texts('app-reject-commands')).toEqual([]);
  });

  it('are exported with the filters that are set', async () => {
    const screen = await openGroup();

    expect(hrefs(screen, 'a[download]')).toEqual([`/api/v1/rejects/export?${OF_FEED}`]);
  });
});

describe('A correction', () => {
  it('is tried first, and then loaded', async () => {
    const screen = await openGroup();
    await screen.click('Correct…');
    await write(screen, 'textarea', 'A1,1.5,5');
    screen.element.querySelector('app-correction form')?.dispatchEvent(new Event('submit'));
    await screen.settle();
    const corrected = [{ reject_id: 11, raw_text: 'A1,1.5,5' }];

    expect(await posted(screen, '/rejects/replay', sampleReplay())).toEqual({
      corrected,
      preview: true,
    });
    expect(screen.text('app-correction [role=status]')).toBe(
      'Nothing is changed yet. Of 1 row 1 would be loaded, 0 would be duplicates, 0 would be rejected again.',
    );
    const told = vi.spyOn(TestBed.inject(Ask), 'tell').mockReturnValue();
    await screen.click('Load');
    const done = sampleReplay({ is_preview: false, run_id: 8 });
    expect(await posted(screen, '/rejects/replay', done)).toEqual({ corrected, preview: false });
    expect(told).toHaveBeenCalledWith('Row 1200 is loaded, by run 8.');
    await readAgain(screen);
    expect(screen.texts('app-reject-rows li')).toEqual([]);
  });

  it('cannot be loaded while it would be rejected again, nor after another change of the text', async () => {
    const screen = await openGroup();
    await screen.click('Correct…');
    const form = screen.element.querySelector('app-correction form');
    const load = form?.querySelector<HTMLButtonElement>('button.primary');
    expect(load?.disabled).toBe(true);

    form?.dispatchEvent(new Event('submit'));
    await screen.settle();
    const again = sampleReplay({
      rows_loaded: 0,
      rows_rejected: 1,
      reasons: { invalid_decimal: 1 },
    });
    await posted(screen, '/rejects/replay', again);
    expect(load?.disabled).toBe(true);
    expect(screen.text('app-correction li')).toBe('1 × invalid decimal');

    form?.dispatchEvent(new Event('submit'));
    await screen.settle();
    await posted(screen, '/rejects/replay', sampleReplay());
    expect(load?.disabled).toBe(false);
    await write(screen, 'textarea', 'A1,x,5');
    expect(load?.disabled).toBe(true);
  });

  it('says what stands against it', async () => {
    const screen = await openGroup();
    await screen.click('Correct…');
    screen.element.querySelector('app-correction form')?.dispatchEvent(new Event('submit'));
    await screen.settle();
    await posted(screen, '/rejects/replay', sampleProblem(), 503);

    expect(screen.text('app-correction [role=alert]')).toContain('the database does not answer');
  });
});

describe('Commands for all open rejects', () => {
  it('are not offered without a filter, nor to who may only read', async () => {
    const screen = await open();
    await screen.answer(GROUPS, { items: [] });
    await screen.answer('/rejects', page(sampleReject()));
    expect(screen.texts('app-reject-commands')).toEqual([]);
    TestBed.resetTestingModule();

    const read = await openGroup('read');
    expect(read.texts('app-reject-commands')).toEqual([]);
    expect(read.texts('app-reject-rows button')).toEqual([]);
  });

  it('replay them after a try, by the contract of now where that is chosen', async () => {
    const screen = await openGroup();
    const box = screen.element.querySelector<HTMLInputElement>(
      'app-reject-commands input[type=checkbox]',
    );
    box?.click();
    await screen.settle();
    screen.element.querySelector('app-reject-commands form')?.dispatchEvent(new Event('submit'));
    await screen.settle();
    const chosen = { contract: 'trade_event', reason: 'invalid_decimal', column: 'price' };

    const refused = [
      { file_id: 7, rejects: 2, reject_ids: [], why: 'its file was replaced', is_settled: false },
    ];
    const preview = sampleReplay({ rows_tried: 3, rows_duplicate: 1, rows_rejected: 1, refused });
    expect(await posted(screen, '/rejects/replay', preview)).toEqual({
      ...chosen,
      preview: true,
      use_present_contract: true,
    });
    expect(screen.text('app-reject-commands [role=status]')).toBe(
      'Nothing is changed yet. Of 3 rows 1 would be loaded, 1 would be duplicates,' +
        ' 1 would be rejected again. 2 not tried: its file was replaced',
    );
    await screen.click('Load those that pass');
    expect(
      await posted(screen, '/rejects/replay', sampleReplay({ is_preview: false, run_id: 8 })),
    ).toEqual({ ...chosen, preview: false, use_present_contract: true });
    await readAgain(screen);
    expect(screen.text('app-reject-commands [role=status]')).toContain('1 are loaded');
  });

  it('have nothing to load where nothing would pass', async () => {
    const screen = await openGroup();
    screen.element.querySelector('app-reject-commands form')?.dispatchEvent(new Event('submit'));
    await screen.settle();
    await posted(screen, '/rejects/replay', sampleReplay({ rows_loaded: 0, rows_rejected: 1 }));

    expect(screen.texts('app-reject-commands button')).toEqual(['Try', 'Discard…']);
  });

  it('discard them with a reason, after a question that says how many', async () => {
    const screen = await openGroup();
    const questions = answerAll(true);
    vi.spyOn(TestBed.inject(Ask), 'tell').mockReturnValue();
    await write(screen, 'app-reject-commands input[type=text]', ' a test of the venue ');
    await screen.click('Discard…');
    await screen.answer(`/rejects?${OF_FEED}&state=open&limit=1&include=total`, {
      ...page(sampleReject()),
      total: 1200,
      total_is_exact: true,
    });

    expect(questions.map((question) => question.title)).toEqual(['Discard 1,200 rejects?']);
    expect(await posted(screen, '/rejects/discard', { rejects: 1200 })).toEqual({
      ...{ contract: 'trade_event', reason: 'invalid_decimal', column: 'price' },
      why: 'a test of the venue',
    });
    await readAgain(screen);
  });

  it('discard nothing where the answer is no, or no reason is given', async () => {
    const screen = await openGroup();
    answerAll(false);
    const discard = screen.element.querySelector<HTMLButtonElement>('app-reject-commands .danger');
    await write(screen, 'app-reject-commands input[type=text]', '  ');
    expect(discard?.disabled).toBe(true);

    await write(screen, 'app-reject-commands input[type=text]', 'a test');
    await screen.click('Discard…');
    await screen.answer(`/rejects?${OF_FEED}&state=open&limit=1&include=total`, {
      ...page(sampleReject()),
      total: 1,
      total_is_exact: true,
    });
    screen.http.expectNone(({ method }) => method === 'POST');
  });
});
