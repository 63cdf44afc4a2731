import { TestBed } from '@angular/core/testing';
import type { LiveEvent, Run } from '../../api/types.gen';
import { sampleRequest, sampleRun } from '../../testing/runs';
import { Screen, openScreen } from '../../testing/screen';
import { Ask, Question } from '../../ui/ask';
import Runs from './runs';

const FIRST = '/runs?sort=-run_id';
const page = (...items: Run[]): object => ({ items, next_cursor: null });

async function open(address = '/runs', ...scope: ['read'] | []): Promise<Screen> {
  const screen = await openScreen(Runs, 'runs', address, ...scope);
  await screen.answer('/run-requests', { items: [] });
  return screen;
}

async function select(screen: Screen, ...ids: number[]): Promise<void> {
  for (const id of ids) {
    screen.element.querySelector<HTMLInputElement>(`input[aria-label="Select run ${id}"]`)?.click();
  }
  await screen.settle();
}

/** Say yes to all questions, and keep them. */
function agree(): Question[] {
  const questions: Question[] = [];
  vi.spyOn(TestBed.inject(Ask), 'confirm').mockImplementation((question) => {
    questions.push(question);
    return Promise.resolve(true);
  });
  return questions;
}

const refusal = (status: number, detail: string, hint: string): object => ({
  type: 'about:blank',
  title: 't',
  status,
  detail,
  instance: '',
  code: 'usage',
  hint,
  retryable: false,
  errors: [],
  request_id: 'r',
});

const RUNNING = sampleRun({
  run_id: 5,
  state: 'running',
  ended_at: null,
  files_loaded: 1,
  files_planned: 4,
});
const FAILED = sampleRun({ run_id: 4, state: 'failed', files_loaded: 2, files_failed: 2 });

describe('Runs', () => {
  it('asks for what the address says', async () => {
    const screen = await open(
      '/runs?sort=-rows_read&state=failed&state=running&kind=ingest&target=t.u&contract=c&source=fx*' +
        '&engine=spark&started_by=ada&started_from=2024-01-02&started_to=2024-01-03' +
        '&ended_from=2024-01-04T05:06:07Z&ended_to=2024-01-05&min_files_failed=1' +
        '&min_rows_rejected=2&min_duration_seconds=3.5',
    );

    const request = screen.http.expectOne(({ url }) => url.startsWith('/api/v1/runs?'));
    expect(Object.fromEntries(new URL(request.request.url, 'http://host').searchParams)).toEqual({
      sort: '-rows_read',
      state: 'failed,running',
      kind: 'ingest',
      target: 't.u',
      contract: 'c',
      source: 'fx*',
      engine: 'spark',
      started_by: 'ada',
      started_from: '2024-01-02T00:00:00.000Z',
      started_to: '2024-01-04T00:00:00.000Z',
      ended_from: '2024-01-04T05:06:07Z',
      ended_to: '2024-01-06T00:00:00.000Z',
      min_files_failed: '1',
      min_rows_rejected: '2',
      min_duration_seconds: '3.5',
    });
  });

  it('shows what each run did, and how long it took against like runs', async () => {
    const screen = await open();
    await screen.answer(FIRST, page(FAILED, sampleRun({ duration_seconds: 5 })));

    expect(screen.texts('tbody tr').map((line) => line.replace(/\d+ d ago/g, 'AGO'))).toEqual([
      '4 ✕ failed public.trade_event trade_event v1 AGO' +
        ' 10 s 2.0 times the median of like runs, 5.0 s ▲ 2.0×' +
        ' 4 2 2 2 1,000 990 4 6 2 KiB 100 rows/s s3://vendor/fx/ AGO ingest local ada',
      '3 ✓ succeeded public.trade_event trade_event v1 AGO' +
        ' 5.0 s 4 4 0 2 1,000 990 4 6 2 KiB 100 rows/s s3://vendor/fx/ AGO ingest local ada',
    ]);
    const links = [...screen.element.querySelectorAll('tbody tr:first-child a')];
    expect(links.map((link) => link.getAttribute('href'))).toEqual([
      '/runs/4',
      '/contracts/trade_event',
      '/runs/4',
      '/files?run_id=4&state=loaded&state=replaced&state=rolled_back',
      '/runs/4',
      '/runs/4',
      '/runs/4?sort=-rows_read#parts',
      '/runs/4?sort=-rows_loaded#parts',
      '/runs/4?sort=-rows_duplicate#parts',
      '/rejects?run_id=4&state=open&state=replayed&state=discarded',
    ]);
  });

  it('leads from a replay, which has no files and rejects of its own, to its page', async () => {
    const screen = await open();
    await screen.answer(FIRST, page(sampleRun({ run_id: 5, kind: 'replay' })));

    const links = [...screen.element.querySelectorAll('tbody td.number a')];
    expect(links.map((link) => link.getAttribute('href')?.replace('#parts', ''))).toEqual(
      Array.from({ length: 8 }, () => '/runs/5'),
    );
  });

  it('can be sorted by all that the API sorts', async () => {
    const screen = await open();
    await screen.answer(FIRST, page(FAILED));

    expect(screen.texts('th button').map((text) => text.replace(' ▼', ''))).toEqual([
      ...['Run', 'State', 'Target, contract', 'Started', 'Duration'],
      ...['planned', 'loaded', 'failed', 'skipped', 'read', 'loaded', 'duplicate', 'rejected'],
      ...['Bytes', 'Speed', 'Ended', 'Kind', 'Engine', 'Started by'],
    ]);
    await screen.click('Bytes');
    expect(screen.url).toBe('/runs?sort=-bytes_read');
    await screen.answer('/runs?sort=-bytes_read', page(FAILED));
  });

  it('names the command that brings a first run', async () => {
    const screen = await open();
    await screen.answer(FIRST, page());

    expect(screen.text('.empty')).toBe(
      'No run yet. The first one is started with: trade-ingest run SOURCE Copy',
    );
  });

  it('says when no run fits the filters', async () => {
    const screen = await open('/runs?state=running');
    await screen.answer(`${FIRST}&state=running`, page());

    expect(screen.text('app-panel p')).toBe('No run fits all of the filters.');
  });

  it('says what stands against it, and tries again', async () => {
    const screen = await open();
    await screen.answer(FIRST, refusal(503, 'the database does not answer', 'see doctor'), 503);

    expect(screen.text('app-problem')).toContain('the database does not answer see doctor');
    await screen.click('Try again');
    await screen.answer(FIRST, page(FAILED));
    expect(screen.texts('tbody tr').length).toBe(1);
  });

  it('reads the runs again when something happens to one', async () => {
    const screen = await open();
    await screen.answer(FIRST, page(RUNNING));
    expect(screen.text('app-run-progress')).toBe('1 of 4 files');

    screen.events.next({ event: 'file_loaded', run_id: 5, file_id: 1 } as LiveEvent);
    await screen.answer(FIRST, page({ ...RUNNING, files_loaded: 2 }));

    expect(screen.text('app-run-progress')).toBe('2 of 4 files');
  });
});

describe('Runs that are selected', () => {
  it('are retried where files failed, each with a key of its own, and reported one by one', async () => {
    const screen = await open();
    const questions = agree();
    await screen.answer(
      FIRST,
      page(RUNNING, FAILED, { ...FAILED, run_id: 3 }, sampleRun({ run_id: 2 })),
    );
    await select(screen, 5, 4, 3, 2);
    await screen.click('Retry failed files of 2 runs');

    expect(questions).toEqual([
      {
        title: 'Retry the failed files of 2 runs?',
        text: 'Runs 4, 3: 4 files failed. Those that have not been loaded since are tried again, in a new run for each of these runs.',
        action: 'Retry',
      },
    ]);
    const first = screen.http.expectOne('/api/v1/runs/4/retry');
    first.flush(sampleRequest({ run_request_id: 8 }));
    await screen.settle();
    const second = screen.http.expectOne('/api/v1/runs/3/retry');
    const keys = [first, second].map(({ request }) => request.headers.get('Idempotency-Key'));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).not.toBe(keys[0]);
    second.flush(refusal(400, 'run 3 has 0 files that failed', 'ask for a run'), {
      status: 400,
      statusText: 'no',
    });
    await screen.settle();
    await screen.answer(
      '/run-requests/8',
      sampleRequest({ run_request_id: 8, run_id: 6, state: 'running' }),
    );

    expect(screen.text('app-report h3')).toBe('Retry of 2 runs: 1 done, 1 refused');
    expect(screen.texts('app-report li')).toEqual([
      '✓ Done: Run 4 asked for. ✓ Run 6 has begun.',
      '✕ Refused: Run 3 run 3 has 0 files that failed. ask for a run',
    ]);
  });

  it('are cancelled where they run', async () => {
    const screen = await open();
    const questions = agree();
    await screen.answer(FIRST, page(RUNNING, FAILED));
    await select(screen, 5, 4);
    await screen.click('Cancel 1 run');

    expect(questions).toEqual([
      {
        title: 'Cancel 1 run?',
        text: 'Run 5: the files that are being loaded are finished, no others are begun, and what is loaded stays.',
        action: 'Cancel 1 run',
        isDangerous: true,
      },
    ]);
    const posted = screen.http.expectOne('/api/v1/runs/5/cancel');
    expect(posted.request.method).toBe('POST');
    posted.flush(sampleRequest());
    await screen.settle();
    expect(screen.texts('app-report li')).toEqual(['✓ Done: Run 5 is told to stop.']);
  });

  it('are left alone when somebody thinks again', async () => {
    const screen = await open();
    vi.spyOn(TestBed.inject(Ask), 'confirm').mockResolvedValue(false);
    await screen.answer(FIRST, page(RUNNING));
    await select(screen, 5);
    await screen.click('Cancel 1 run');

    screen.http.verify();
  });

  it('are compared when they are two', async () => {
    const screen = await open();
    await screen.answer(FIRST, page(RUNNING, FAILED));
    await select(screen, 5, 4);

    const link = screen.element.querySelector('app-bulk a');
    expect(link?.getAttribute('href')).toBe('/runs/compare?left=4&right=5');
  });

  it('cannot be changed by somebody who may only read', async () => {
    const screen = await open('/runs', 'read');
    await screen.answer(FIRST, page(RUNNING, FAILED));
    await select(screen, 5, 4);

    expect(screen.texts('app-bulk button')).toEqual(['Clear the selection']);
  });
});

describe('Run requests', () => {
  it('that wait are shown above the runs, and can be cancelled', async () => {
    const screen = await openScreen(Runs, 'runs', '/runs');
    const questions = agree();
    await screen.answer(FIRST, page());
    await screen.answer('/run-requests', {
      items: [
        sampleRequest({ run_request_id: 11, state: 'running', run_id: 5 }),
        sampleRequest({ retry_of_run_id: 4 }),
      ],
    });

    const panel = screen.panel('Waiting to begin').replace(/\d+ d ago/g, 'AGO');
    expect(panel).toBe(
      'Waiting to begin Request State Sources Retry of Requested By Action' +
        ' 12 … queued s3://vendor/fx/ and 1 more, contract trade_event run 4 AGO ada Cancel',
    );
    await screen.click('Cancel');
    expect(questions.map((question) => question.title)).toEqual(['Cancel request 12?']);
    const posted = screen.http.expectOne('/api/v1/run-requests/12/cancel');
    expect(posted.request.method).toBe('POST');
    posted.flush(sampleRequest({ state: 'cancelled' }));
    await screen.settle();
    await screen.answer('/run-requests', { items: [] });
    expect(screen.panel('Waiting to begin')).toBe('');
  });

  it('that fail say why', async () => {
    const screen = await open();
    await screen.answer(FIRST, page());
    screen.events.next({
      event_id: 1,
      event: 'run_request_failed',
      at: '2024-01-10T06:00:00Z',
      run_id: null,
      file_id: null,
      uri: null,
      detail: { run_request_id: 9, error: { message: 'no file', hint: 'check the spelling' } },
    });
    await screen.settle();

    expect(screen.panel('Requests that failed').replace(/\d+ d ago/, 'AGO')).toBe(
      'Requests that failed Close ✕ Request 9: no file. check the spelling AGO',
    );
  });
});
