import { Component, input, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import type { DayCoverage, Run, Summary } from '../../api/types.gen';
import { Loadable } from '../../core/api';
import { Problem } from '../../core/problem';
import { PROBLEM_SAID, sampleProblem } from '../../testing/problem';
import { sampleRun } from '../../testing/runs';
import { Screen, openScreen } from '../../testing/screen';
import { TimeChart } from '../../ui/time-chart';
import { Calendar } from './calendar';
import Overview from './overview';
import {
  NOW,
  sampleBacklog,
  sampleBucket,
  sampleFeed,
  sampleGaps,
  sampleSummary,
} from './overview.fixtures';
import { Throughput } from './throughput';
import { spanOf } from './window';

const RUNS = '/runs?limit=50';
const SUMMARY = '/metrics/summary?start=2024-01-10T12%3A00%3A00.000Z&bucket=hour';
const ANSWERS = 'Is the data fresh, complete and clean?';
const page = (...items: Run[]): object => ({ items, next_cursor: null });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const open = (address = '/'): Promise<Screen> => openScreen(Overview, '', address);

function hrefs(screen: Screen, selector: string): (string | null)[] {
  return [...screen.element.querySelectorAll(selector)].map((link) => link.getAttribute('href'));
}

describe('Overview', () => {
  it('waits for its figures', async () => {
    const screen = await open();

    expect(screen.panel(ANSWERS)).toBe(`${ANSWERS} Loading ${ANSWERS}`);
    expect(screen.panel('Last runs')).toBe('Last runs Loading Last runs');
  });

  it('answers four questions in words, each number with the way to its rows', async () => {
    const screen = await open();
    const backlog = sampleBacklog({ files_pending: 2, bytes_pending: 1024, rejects_open: 6 });
    await screen.answer(SUMMARY, sampleSummary({ backlog, reject_ratio: 0.006 }));
    await screen.answer(RUNS, page(sampleRun()));

    expect(screen.texts('app-answers article')).toEqual([
      '✓ Fresh? The last file was loaded 2 h ago. public.trade_event, trade_event: 2 h ago',
      '! Complete? Some files wait to be loaded. 2 waiting, 1 KiB',
      '! Clean? 0.6% of the rows of the last 24 hours were rejected. 6 open rejects' +
        ' files of the last 24 hours with rejects',
      '✓ Fast? 1,000 rows of 2 files were loaded in the last 24 hours.' +
        ' 2 files of the last 24 hours run 3: 100 rows/s 1.5 rows/s on average',
    ]);
    expect(hrefs(screen, 'app-answers a')).toEqual([
      '/files?target=public.trade_event&contract=trade_event&sort=-loaded_at',
      '/files?state=pending',
      '/rejects?state=open',
      '/files?state=loaded&loaded_from=2024-01-10T12:00:00Z&min_rows_rejected=1',
      '/files?state=loaded&loaded_from=2024-01-10T12:00:00Z',
      '/runs/3',
      '/runs?sort=-rows_per_second',
    ]);
    expect(screen.texts('app-answers .all')).toEqual([]);
  });

  it('says which days feeds lack', async () => {
    const screen = await open();
    await screen.answer('/coverage/gaps', { items: [sampleGaps()] });
    await screen.answer(SUMMARY, sampleSummary());
    await screen.answer(RUNS, page(sampleRun()));

    expect(screen.texts('app-answers article')[1]).toBe(
      '✕ Complete? Days are missing. public.trade_event, trade_event: 1 day missing, newest 2024-01-03',
    );
  });

  it('calls a target late after the time that the server is set up with', async () => {
    const screen = await open();
    const setting = { name: 'notify_late_hours', value: 1.5, origin: '', layer: 'flag' };
    await screen.answer('/system/settings', { items: [setting] });
    await screen.answer(SUMMARY, sampleSummary());
    await screen.answer(RUNS, page(sampleRun()));

    expect(screen.text('app-answers article')).toBe(
      '! Fresh? The last file was loaded 2 h ago. 1 feed is late.' +
        ' public.trade_event, trade_event: 2 h ago, late: due every 1 h 30 min',
    );
  });

  it('says in one sentence when all is well', async () => {
    const screen = await open();
    await screen.answer(SUMMARY, sampleSummary());
    await screen.answer(RUNS, page(sampleRun()));

    expect(screen.text('app-answers .all')).toBe('✓ All is well.');
  });

  it('shows the last runs as bars, the newest last, each with the way to it', async () => {
    const screen = await open();
    await screen.answer(SUMMARY, sampleSummary());
    await screen.answer(
      RUNS,
      page(
        sampleRun({ run_id: 5, state: 'failed', duration_seconds: 40 }),
        sampleRun({ run_id: 4, rows_rejected: 0 }),
      ),
    );

    expect(hrefs(screen, 'app-run-strip a')).toEqual(['/runs/4', '/runs/5']);
    const bars = [...screen.element.querySelectorAll<HTMLElement>('app-run-strip .bar')];
    expect(bars.map((bar) => [bar.className, bar.style.height])).toEqual([
      ['bar good', '39px'],
      ['bar bad', '72px'],
    ]);
    expect(screen.texts('app-run-strip .sign')).toEqual(['', '✕']);
    const labels = [...screen.element.querySelectorAll('app-run-strip a')];
    expect(labels[1]?.getAttribute('aria-label')).toBe(
      'run 5, failed, 2024-01-10 06:00:00Z, 40 s, 4 files, 990 rows loaded, 6 rejected',
    );
  });

  it('shows what runs now', async () => {
    const screen = await open();
    await screen.answer(SUMMARY, sampleSummary());
    const run = sampleRun({ run_id: 6, state: 'running', ended_at: null, files_loaded: 1 });
    await screen.answer(RUNS, page(run));

    expect(screen.panel('Running now')).toContain('1 of 4 files');
    expect(hrefs(screen, 'app-now-running a')).toEqual(['/runs/6']);
  });

  it('names the command that loads a first file', async () => {
    const screen = await open();
    await screen.answer(SUMMARY, sampleSummary({ freshness: [], buckets: [] }));
    await screen.answer(RUNS, page());

    expect(screen.text('.empty app-copy')).toBe(
      'trade-ingest run data/synthetic --contract trade_event Copy',
    );
    expect(screen.texts('app-answers')).toEqual([]);
  });

  it('says what stands against it, and tries again', async () => {
    const screen = await open();
    await screen.answer(RUNS, page(sampleRun()));
    await screen.answer(SUMMARY, sampleProblem(), 503);
    expect(screen.panel(ANSWERS)).toBe(`${ANSWERS} ${PROBLEM_SAID}`);

    await screen.click('Try again');
    await screen.answer(SUMMARY, sampleSummary());
    expect(screen.text('app-answers .all')).toBe('✓ All is well.');
  });

  it('keeps what it had, and says how old it is, when it cannot be read again', async () => {
    const screen = await open();
    await screen.answer(SUMMARY, sampleSummary());
    await screen.answer(RUNS, page(sampleRun()));
    vi.setSystemTime(NOW.getTime() + 3 * 60_000);

    screen.events.next({
      ...{ event_id: 1, at: NOW.toISOString(), event: 'run_ended' },
      ...{ run_id: 3, file_id: null, uri: null, detail: {} },
    });
    await screen.settle();
    await screen.answer(RUNS, sampleProblem(), 503);
    await screen.answer(SUMMARY, sampleProblem(), 503);

    expect(screen.panel('Last runs')).toContain('stale, as of');
    expect(screen.texts('app-run-strip li').length).toBe(1);
    expect(screen.panel(ANSWERS)).toContain('stale, as of');
    expect(screen.texts('app-answers article').length).toBe(4);
  });

  it.each([
    ['30d', '2023-12-12T12%3A00%3A00.000Z', 'day', '30 days'],
    ['nothing-such', '2024-01-10T12%3A00%3A00.000Z', 'hour', '24 hours'],
  ])('takes the time it is about from the address: %s', async (name, start, bucket, label) => {
    const screen = await open(`/?window=${name}`);
    await screen.answer(RUNS, page(sampleRun()));
    await screen.answer(`/metrics/summary?start=${start}&bucket=${bucket}`, sampleSummary());

    expect(screen.text('app-answers')).toContain(`were loaded in the last ${label}.`);
  });
});

describe('Calendar', () => {
  const feeds = signal([sampleFeed()]);

  @Component({ imports: [Calendar], template: '<app-calendar [feeds]="feeds()" />' })
  class Host {
    protected readonly feeds = feeds;
  }

  const FEED = 'target=public.trade_event&contract=trade_event';
  const COVERAGE = `/coverage?${FEED}&date_from=2023-07-10`;
  const openCalendar = (): Promise<Screen> => openScreen(Host, '', '/');
  const WEDNESDAYS = ['2023-12-20', '2023-12-27', '2024-01-03', '2024-01-10'];
  type State = DayCoverage['state'];
  /** Wednesdays with 100 rows each, but for what is given. */
  const wednesdays = (
    changes: Readonly<Record<string, readonly [State, number]>> = {},
  ): object => ({
    target: 'public.trade_event',
    contract: 'trade_event',
    days: WEDNESDAYS.map((date) => {
      const [state, rows] = changes[date] ?? ['loaded', 100];
      return { date, state, rows, files: rows ? 2 : 0 };
    }),
  });

  beforeEach(() => {
    feeds.set([sampleFeed()]);
  });

  it('counts the days of each feed, and each day leads to its files', async () => {
    const screen = await openCalendar();
    expect(screen.text('app-feed-days')).toContain('Counting the days…');
    await screen.answer(
      COVERAGE,
      wednesdays({
        '2023-12-27': ['holiday', 0],
        '2024-01-03': ['missing', 0],
        '2024-01-10': ['partial', 20],
      }),
    );

    expect(screen.text('app-feed-days h3')).toBe('public.trade_event trade_event');
    expect(screen.text('app-feed-days p')).toBe(
      '2023-07-10 to 2024-01-10: 2 days with rows · 1 missing · 1 partial',
    );
    const days = [...screen.element.querySelectorAll('app-feed-days svg a')];
    expect(days.map((day) => day.getAttribute('aria-label'))).toEqual([
      '2023-12-20: loaded, 100 rows of 2 files',
      '2023-12-27: holiday, 0 rows of 0 files',
      '2024-01-03: missing, 0 rows of 0 files',
      '2024-01-10: partial, 20 rows of 2 files',
    ]);
    const onTheWay = `/files?${FEED}&state=pending,failed,skipped,rolled_back`;
    expect(days.slice(-2).map((day) => day.getAttribute('href'))).toEqual([
      onTheWay,
      `/files?${FEED}&state=loaded&event_from=2024-01-10&event_to=2024-01-11`,
    ]);
    expect(screen.texts('app-feed-days text')).toEqual(['–', '✕', '◐']);
    expect(hrefs(screen, 'app-feed-days p a')).toEqual([
      `/files?${FEED}&state=loaded&event_from=2023-07-10&event_to=2024-01-11`,
      onTheWay,
      onTheWay,
    ]);
  });

  it('ends at the last day that is late', async () => {
    feeds.set([sampleFeed({ last_event_at: '2024-01-03T12:00:00Z' })]);
    const screen = await openCalendar();
    await screen.answer(
      `/coverage?${FEED}&date_from=2023-07-03`,
      wednesdays({ '2024-01-10': ['late', 0] }),
    );

    expect(screen.text('app-feed-days p')).toBe(
      '2023-07-03 to 2024-01-10: 3 days with rows · 1 late',
    );
    expect(screen.texts('app-feed-days text')).toEqual(['◷']);
  });

  it('has days that are large enough to be touched', async () => {
    const screen = await openCalendar();
    await screen.answer(COVERAGE, wednesdays());

    const places = [...screen.element.querySelectorAll('app-feed-days rect')].map((day) => [
      Number(day.getAttribute('x')),
      Number(day.getAttribute('y')),
    ]);
    expect(places.slice(0, 8)).toEqual([
      ...[0, 1, 2, 3, 4, 5, 6].map((day) => [0, day * 24]),
      [24, 0],
    ]);
  });

  it('is one for each feed with rows', async () => {
    feeds.set([sampleFeed(), sampleFeed({ contract: 'kraken', last_event_at: null })]);
    const screen = await openCalendar();
    await screen.answer(COVERAGE, wednesdays());

    expect(screen.texts('app-feed-days').length).toBe(1);
  });

  it('says when no feed has rows', async () => {
    feeds.set([]);
    const screen = await openCalendar();

    expect(screen.text('.empty')).toBe('No feed has rows yet.');
  });

  it('keeps the days, says how old they are, and tries again', async () => {
    const screen = await openCalendar();
    await screen.answer(COVERAGE, wednesdays());
    screen.events.next({
      ...{ event_id: 1, at: NOW.toISOString(), event: 'file_loaded' },
      ...{ run_id: 3, file_id: 7, uri: null, detail: {} },
    });
    await screen.settle();
    await screen.answer(COVERAGE, sampleProblem(), 503);

    expect(screen.text('app-feed-days')).toContain('stale, as of');
    expect(screen.text('app-feed-days')).toContain(PROBLEM_SAID);
    expect(screen.text('app-feed-days')).toContain('4 days with rows');
    await screen.click('Try again');
    await screen.answer(COVERAGE, wednesdays());
    expect(screen.text('app-feed-days')).not.toContain('stale');
  });
});

describe('Throughput', () => {
  const summary = signal<Summary | undefined>(undefined);
  const problem = signal<Problem | undefined>(undefined);

  // charts are drawn on a canvas, which is not here
  @Component({ selector: 'app-time-chart', template: '' })
  class Chart {
    readonly times = input<unknown>();
    readonly series = input<unknown>();
    readonly label = input<unknown>();
    readonly height = input<unknown>();
  }

  @Component({
    imports: [Throughput],
    template:
      '<app-throughput [data]="data" [summary]="summary()" [span]="span" [windows]="windows" />',
  })
  class Host {
    protected readonly summary = summary;
    protected readonly span = spanOf('24h');
    protected readonly windows = ['1h', '24h'];
    protected readonly data: Loadable = {
      problem,
      isLoading: signal(false),
      hasValue: signal(true),
      loadedAt: signal(new Date(NOW.getTime() - 120_000)),
      reload: vi.fn(),
    };
  }

  const openThroughput = (): Promise<Screen> => {
    TestBed.overrideComponent(Throughput, {
      remove: { imports: [TimeChart] },
      add: { imports: [Chart] },
    });
    return openScreen(Host, '', '/');
  };

  beforeEach(() => {
    problem.set(undefined);
    summary.set(sampleSummary());
  });

  it('has the numbers behind its charts, the latest first, with the way to their files', async () => {
    summary.set(
      sampleSummary({
        buckets: [
          sampleBucket({ at: '2024-01-11T08:00:00Z', rows_rejected: 5, reject_ratio: 0.005 }),
          sampleBucket({ at: '2024-01-11T09:00:00Z', files_loaded: 0, rows_read: 0 }),
          sampleBucket(),
        ],
      }),
    );
    const screen = await openThroughput();

    expect(screen.texts('tbody tr')).toEqual([
      '2024-01-11 10:00:00Z 2 0 1,000 0 0% 2 KiB',
      '2024-01-11 08:00:00Z 2 0 1,000 5 0.5% 2 KiB',
    ]);
    expect(hrefs(screen, 'tbody tr:last-child a')).toEqual([
      '/files?state=loaded&loaded_from=2024-01-11T08:00:00Z&loaded_to=2024-01-11T09:00:00.000Z',
      '/runs?min_files_failed=1&started_to=2024-01-11T09:00:00.000Z&ended_from=2024-01-11T08:00:00Z',
      '/files?state=loaded&loaded_from=2024-01-11T08:00:00Z&loaded_to=2024-01-11T09:00:00.000Z&min_rows_rejected=1',
    ]);
  });

  it('offers other lengths of time, and says which is shown', async () => {
    const screen = await openThroughput();

    expect(hrefs(screen, 'nav a')).toEqual(['/?window=1h', '/?window=24h']);
    expect(screen.texts('nav a[aria-current=true]')).toEqual(['24h']);
  });

  it('says when nothing came in', async () => {
    summary.set(sampleSummary({ buckets: [] }));
    const screen = await openThroughput();

    expect(screen.panel('Throughput')).toBe(
      'Throughput 1h 24h Nothing was loaded in the last 24 hours.',
    );
  });

  it('keeps its numbers, and says how old they are', async () => {
    problem.set(sampleProblem());
    const screen = await openThroughput();

    expect(screen.panel('Throughput')).toContain('stale, as of 2 min ago');
    expect(screen.texts('tbody tr').length).toBe(1);
  });
});
