import type { FeedGaps, Freshness, Run, Summary } from '../../api/types.gen';
import { age, bytes, count, percent, rate, seconds } from '../../core/formats';
import { filesOnTheWay } from './feed-files';
import { usualGapSeconds, usualRejectRatio, usualSpeed } from './usual';
import { Span } from './window';

export type Verdict = 'good' | 'warn' | 'bad' | 'idle';

/** A number, and the way to the rows behind it. */
export interface Fact {
  readonly text: string;
  readonly link: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

/** A question, answered in a sentence. */
export interface Answer {
  readonly question: string;
  readonly verdict: Verdict;
  readonly said: string;
  readonly facts: readonly Fact[];
}

const LATE = 2;
const MANY = 3;
const NOTABLE_RATIO = 0.001;
const SLOW = 0.5;

/**
 * Whether files came in lately: as they usually do, where the last runs tell how often that is.
 *
 * @param patience seconds after which a target without a new file is late, where the server is set up with them.
 */
export function isFresh(
  summary: Summary,
  runs: readonly Run[],
  now: number,
  patience?: number,
): Answer {
  const question = 'Fresh?';
  const feeds = [...summary.freshness].sort(
    (one, other) => Date.parse(other.last_loaded_at) - Date.parse(one.last_loaded_at),
  );
  const newest = feeds[0];
  if (!newest) {
    return { question, verdict: 'idle', said: 'No file was loaded yet.', facts: [] };
  }
  const failed = lastOfEach(runs).filter((run) => run.state !== 'succeeded' && run.ended_at);
  const told = feeds.map((feed) => ({
    feed,
    late: patience === undefined ? habit(feed, runs, now) : lateness(feed, feeds, now, patience),
  }));
  const late = told.filter((one) => one.late !== '');
  const said = [
    `The last file was loaded ${ago(newest.last_loaded_at, now)}.`,
    failed.length ? `The last run of ${counted(failed.length, 'target')} did not succeed.` : '',
    late.length ? `${counted(late.length, 'feed')} ${late.length === 1 ? 'is' : 'are'} late.` : '',
  ];
  return {
    question,
    verdict: failed.length ? 'bad' : late.length ? 'warn' : 'good',
    said: said.filter(Boolean).join(' '),
    facts: [
      ...failed.map((run) => ({
        text: `run ${run.run_id} ${run.state}`,
        link: ['/runs', String(run.run_id)],
      })),
      ...[...late, ...told.filter((one) => one.late === '')].map((one) => ({
        text: `${one.feed.target}, ${one.feed.contract}: ${ago(one.feed.last_loaded_at, now)}${one.late}`,
        link: ['/files'],
        query: { target: one.feed.target, contract: one.feed.contract, sort: '-loaded_at' },
      })),
    ],
  };
}

/**
 * Whether all that was found is loaded, and all that is expected was found.
 *
 * @param gaps the days that feeds lack; undefined while they are not known.
 */
export function isComplete(summary: Summary, now: number, gaps?: readonly FeedGaps[]): Answer {
  const { files_pending, bytes_pending, oldest_pending_at, files_failed, bytes_failed } =
    summary.backlog;
  const facts: Fact[] = [];
  if (files_failed) {
    const text = `${count(files_failed)} failed, ${bytes(bytes_failed)}`;
    facts.push({ text, link: ['/files'], query: { state: 'failed' } });
  }
  if (files_pending) {
    const since = oldest_pending_at ? `, oldest ${ago(oldest_pending_at, now)}` : '';
    const text = `${count(files_pending)} waiting, ${bytes(bytes_pending)}${since}`;
    facts.push({ text, link: ['/files'], query: { state: 'pending' } });
  }
  for (const feed of gaps ?? []) {
    const lacks = (['missing', 'late', 'partial'] as const)
      .filter((state) => feed[state].length)
      .map((state) => `${counted(feed[state].length, 'day')} ${state}`);
    const newest = [...feed.missing, ...feed.late, ...feed.partial].sort().at(-1) ?? '';
    const text = `${feed.target}, ${feed.contract}: ${lacks.join(', ')}, newest ${newest}`;
    facts.push({ text, link: ['/files'], query: filesOnTheWay(feed) });
  }
  const isMissing = gaps?.some((feed) => feed.missing.length) ?? false;
  const said = [
    files_failed ? 'Some files could not be loaded.' : '',
    files_pending ? 'Some files wait to be loaded.' : '',
    isMissing ? 'Days are missing.' : gaps?.length ? 'Days are late or partial.' : '',
  ].filter(Boolean);
  return {
    question: 'Complete?',
    verdict: files_failed || isMissing ? 'bad' : facts.length ? 'warn' : 'good',
    said: said.join(' ') || 'Every file that was found is loaded or accounted for.',
    facts,
  };
}

/** Whether rows keep their contracts, as they usually do. */
export function isClean(summary: Summary, runs: readonly Run[], span: Span): Answer {
  const { reject_ratio, backlog } = summary;
  const facts: Fact[] = [];
  if (backlog.rejects_open) {
    const text = counted(backlog.rejects_open, 'open reject');
    facts.push({ text, link: ['/rejects'], query: { state: 'open' } });
  }
  if (reject_ratio) {
    const query = { ...loadedSince(summary), min_rows_rejected: '1' };
    facts.push({ text: `files of the last ${span.label} with rejects`, link: ['/files'], query });
  }
  const usual = usualRejectRatio(runs);
  const isUnusual =
    usual !== undefined && (reject_ratio ?? 0) > Math.max(MANY * usual, NOTABLE_RATIO);
  if (usual !== undefined) {
    const text = `${usual ? percent(usual) : 'none'} is usual`;
    facts.push({ text, link: ['/runs'], query: { min_rows_rejected: '1' } });
  }
  const said =
    reject_ratio === null
      ? `No row was read in the last ${span.label}.`
      : reject_ratio === 0
        ? `No row was rejected in the last ${span.label}.`
        : `${percent(reject_ratio)} of the rows of the last ${span.label} were rejected${isUnusual ? ', more than usual' : ''}.`;
  const verdict = isUnusual ? 'bad' : backlog.rejects_open ? 'warn' : 'good';
  return { question: 'Clean?', verdict, said, facts };
}

/** How much was loaded, and whether the last run was as fast as others. */
export function isFast(summary: Summary, runs: readonly Run[], span: Span): Answer {
  const rows = summary.buckets.reduce((sum, bucket) => sum + bucket.rows_loaded, 0);
  const files = summary.buckets.reduce((sum, bucket) => sum + bucket.files_loaded, 0);
  const last = runs.find((run) => run.state === 'succeeded' && run.rows_read > 0);
  const usual = last && usualSpeed(runs, last);
  const isSlow = usual !== undefined && (last?.rows_per_second ?? usual) < SLOW * usual;
  const facts: Fact[] = [];
  if (files) {
    const text = `${counted(files, 'file')} of the last ${span.label}`;
    facts.push({ text, link: ['/files'], query: loadedSince(summary) });
  }
  if (last && last.rows_per_second !== null) {
    const text = `run ${last.run_id}: ${rate(last.rows_per_second)}${usual === undefined ? '' : `, usual ${rate(usual)}`}`;
    facts.push({ text, link: ['/runs', String(last.run_id)] });
  }
  if (rows && summary.rows_per_second >= 1) {
    const text = `${rate(summary.rows_per_second)} on average`;
    facts.push({ text, link: ['/runs'], query: { sort: '-rows_per_second' } });
  }
  const said = rows
    ? `${counted(rows, 'row')} of ${counted(files, 'file')} were loaded in the last ${span.label}.`
    : `Nothing was loaded in the last ${span.label}.`;
  return {
    question: 'Fast?',
    verdict: isSlow ? 'warn' : rows ? 'good' : 'idle',
    said: isSlow ? `${said} The last run was slow.` : said,
    facts,
  };
}

/** What the list of files is to show: those that the figures of a summary are of. */
function loadedSince({ start }: Summary): Readonly<Record<string, string>> {
  return { state: 'loaded', loaded_from: start };
}

/** That the target of a feed is late; empty where it is not. */
function lateness(
  { target }: Freshness,
  feeds: readonly Freshness[],
  now: number,
  patience: number,
): string {
  const newest = feeds
    .filter((feed) => feed.target === target)
    .reduce((last, feed) => Math.max(last, Date.parse(feed.last_loaded_at)), 0);
  return (now - newest) / 1000 > patience ? `, late: due every ${seconds(patience)}` : '';
}

/** That a feed is late, with how often it usually comes; empty where it is not, or nobody can say. */
function habit(feed: Freshness, runs: readonly Run[], now: number): string {
  const usual = usualGapSeconds(runs, feed);
  const past = (now - Date.parse(feed.last_loaded_at)) / 1000;
  return usual !== undefined && past > LATE * usual
    ? `, late: usually every ${seconds(usual)}`
    : '';
}

/** The newest run of each target. */
function lastOfEach(runs: readonly Run[]): readonly Run[] {
  const last = new Map<string, Run>();
  for (const run of runs) if (!last.has(run.target)) last.set(run.target, run);
  return [...last.values()];
}

function ago(at: string, now: number): string {
  return age(new Date(at), now);
}

function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}
