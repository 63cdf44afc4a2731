import { sampleRun } from '../../testing/runs';
import {
  NOW,
  sampleBacklog,
  sampleBucket,
  sampleFeed,
  sampleGaps,
  sampleSummary,
} from './overview.fixtures';
import { isClean, isComplete, isFast, isFresh } from './questions';
import { spanOf } from './window';

const DAY = spanOf('24h');
const now = NOW.getTime();
/** Runs of four days, the newest first, each ended at six. */
const DAILY = [11, 10, 9, 8].map((day) =>
  sampleRun({ run_id: day, ended_at: `2024-01-${String(day).padStart(2, '0')}T06:00:00Z` }),
);

describe('Fresh?', () => {
  it('has no answer before the first file', () => {
    expect(isFresh(sampleSummary({ freshness: [] }), [], now)).toEqual({
      question: 'Fresh?',
      verdict: 'idle',
      said: 'No file was loaded yet.',
      facts: [],
    });
  });

  it('says when each feed came in, and leads to its files', () => {
    const answer = isFresh(sampleSummary(), DAILY, now);

    expect(answer.verdict).toBe('good');
    expect(answer.said).toBe('The last file was loaded 2 h ago.');
    expect(answer.facts).toEqual([
      {
        text: 'public.trade_event, trade_event: 2 h ago',
        link: ['/files'],
        query: { target: 'public.trade_event', contract: 'trade_event', sort: '-loaded_at' },
      },
    ]);
  });

  it('calls a feed late that usually comes twice as often', () => {
    const freshness = [
      sampleFeed({ target: 'public.other', contract: 'other' }),
      sampleFeed({ last_loaded_at: '2024-01-09T11:00:00Z' }),
    ];
    const answer = isFresh(sampleSummary({ freshness }), DAILY, now);

    expect(answer.verdict).toBe('warn');
    expect(answer.said).toBe('The last file was loaded 2 h ago. 1 feed is late.');
    expect(answer.facts.map((fact) => fact.text)).toEqual([
      'public.trade_event, trade_event: 2 d ago, late: usually every 24 h 0 min',
      'public.other, other: 2 h ago',
    ]);
  });

  it('calls a target late after the time that the server is set up with, whatever its habit', () => {
    const freshness = [
      sampleFeed({ contract: 'other' }),
      sampleFeed({ last_loaded_at: '2024-01-01T00:00:00Z' }),
      sampleFeed({ target: 'public.late', last_loaded_at: '2024-01-11T08:59:00Z' }),
    ];
    const answer = isFresh(sampleSummary({ freshness }), DAILY, now, 3 * 3600);

    expect(answer.facts.map((fact) => fact.text)).toEqual([
      'public.late, trade_event: 3 h ago, late: due every 3 h 0 min',
      'public.trade_event, other: 2 h ago',
      'public.trade_event, trade_event: 10 d ago',
    ]);
  });

  it('tells of each target whose last run failed, not of those before it', () => {
    const runs = [
      sampleRun({ run_id: 20, state: 'failed', target: 'a.b' }),
      sampleRun({ run_id: 19, state: 'succeeded' }),
      sampleRun({ run_id: 18, state: 'failed' }),
      sampleRun({ run_id: 17, state: 'abandoned', target: 'c.d' }),
    ];
    const answer = isFresh(sampleSummary(), runs, now);

    expect(answer.verdict).toBe('bad');
    expect(answer.said).toContain('The last run of 2 targets did not succeed.');
    expect(answer.facts.slice(0, 2)).toEqual([
      { text: 'run 20 failed', link: ['/runs', '20'] },
      { text: 'run 17 abandoned', link: ['/runs', '17'] },
    ]);
  });
});

describe('Complete?', () => {
  it('is answered by yes where nothing waits', () => {
    expect(isComplete(sampleSummary(), now)).toEqual({
      question: 'Complete?',
      verdict: 'good',
      said: 'Every file that was found is loaded or accounted for.',
      facts: [],
    });
  });

  it('says how much failed and how much waits, and since when', () => {
    const backlog = sampleBacklog({
      files_failed: 3,
      bytes_failed: 1024,
      files_pending: 1200,
      bytes_pending: 1536,
      oldest_pending_at: '2024-01-11T09:00:00Z',
    });
    const answer = isComplete(sampleSummary({ backlog }), now);

    expect(answer.verdict).toBe('bad');
    expect(answer.facts).toEqual([
      { text: '3 failed, 1 KiB', link: ['/files'], query: { state: 'failed' } },
      {
        text: '1,200 waiting, 1.5 KiB, oldest 3 h ago',
        link: ['/files'],
        query: { state: 'pending' },
      },
    ]);
  });
});

describe('Complete? by days', () => {
  it('is answered by no where a feed lacks a day, and leads to the files that may have it', () => {
    const gaps = sampleGaps({ missing: ['2024-01-03', '2024-01-05'], late: ['2024-01-10'] });
    const answer = isComplete(sampleSummary(), now, [gaps]);

    expect([answer.verdict, answer.said]).toEqual(['bad', 'Days are missing.']);
    expect(answer.facts).toEqual([
      {
        text: 'public.trade_event, trade_event: 2 days missing, 1 day late, newest 2024-01-10',
        link: ['/files'],
        query: {
          target: 'public.trade_event',
          contract: 'trade_event',
          state: 'pending,failed,skipped,rolled_back',
        },
      },
    ]);
  });

  it('warns of days that are late or partial', () => {
    const gaps = sampleGaps({ missing: [], partial: ['2024-01-10'] });
    const answer = isComplete(sampleSummary(), now, [gaps]);

    expect([answer.verdict, answer.said]).toEqual(['warn', 'Days are late or partial.']);
  });

  it('is answered by yes where no feed lacks a day', () => {
    expect(isComplete(sampleSummary(), now, []).verdict).toBe('good');
  });
});

describe('Clean?', () => {
  const runs = [5, 5, 5].map((rows_rejected) => sampleRun({ rows_read: 1000, rows_rejected }));

  it('says the share of rows that were rejected beside the usual one', () => {
    const answer = isClean(sampleSummary({ reject_ratio: 0.01 }), runs, DAY);

    expect(answer.verdict).toBe('good');
    expect(answer.said).toBe('1% of the rows of the last 24 hours were rejected.');
    expect(answer.facts).toEqual([
      {
        text: 'files of the last 24 hours with rejects',
        link: ['/files'],
        query: { state: 'loaded', loaded_from: '2024-01-10T12:00:00Z', min_rows_rejected: '1' },
      },
      { text: '0.5% is usual', link: ['/runs'], query: { min_rows_rejected: '1' } },
    ]);
  });

  it('says when more are rejected than usual, and leads to the open rejects', () => {
    const backlog = sampleBacklog({ rejects_open: 1 });
    const answer = isClean(sampleSummary({ reject_ratio: 0.02, backlog }), runs, DAY);

    expect(answer.verdict).toBe('bad');
    expect(answer.said).toBe('2% of the rows of the last 24 hours were rejected, more than usual.');
    expect(answer.facts[0]).toEqual({
      text: '1 open reject',
      link: ['/rejects'],
      query: { state: 'open' },
    });
  });

  it.each([
    [null, 'No row was read in the last 24 hours.'],
    [0, 'No row was rejected in the last 24 hours.'],
  ])('has words for a share of %s', (reject_ratio, said) => {
    expect(isClean(sampleSummary({ reject_ratio }), [], DAY).said).toBe(said);
  });
});

describe('Fast?', () => {
  const before = [1, 2, 3].map((run_id) => sampleRun({ run_id }));

  it('says how much was loaded, and how fast the last run was', () => {
    const answer = isFast(
      sampleSummary({ buckets: [sampleBucket({ files_loaded: 1 })] }),
      [sampleRun({ run_id: 4, rows_per_second: 90 }), ...before],
      DAY,
    );

    expect(answer.verdict).toBe('good');
    expect(answer.said).toBe('1,000 rows of 1 file were loaded in the last 24 hours.');
    expect(answer.facts).toEqual([
      {
        text: '1 file of the last 24 hours',
        link: ['/files'],
        query: { state: 'loaded', loaded_from: '2024-01-10T12:00:00Z' },
      },
      { text: 'run 4: 90 rows/s, usual 100 rows/s', link: ['/runs', '4'] },
      { text: '1.5 rows/s on average', link: ['/runs'], query: { sort: '-rows_per_second' } },
    ]);
  });

  it('warns where the last run had less than half of the usual speed', () => {
    const answer = isFast(
      sampleSummary(),
      [sampleRun({ run_id: 4, rows_per_second: 49 }), ...before],
      DAY,
    );

    expect(answer.verdict).toBe('warn');
    expect(answer.said).toContain('The last run was slow.');
  });

  it('has no answer where nothing came in', () => {
    const answer = isFast(sampleSummary({ buckets: [] }), [], DAY);

    expect(answer).toEqual({
      question: 'Fast?',
      verdict: 'idle',
      said: 'Nothing was loaded in the last 24 hours.',
      facts: [],
    });
  });
});
