import type { LedgerEvent, Run, RunDetail } from '../../api/types.gen';
import { bytes, count, rate, seconds } from '../../core/formats';
import { EVER_LOADED, EVER_REJECTED, hasFiles } from '../../core/outcomes';

/** Something that both runs have, as text. */
export interface Fact {
  readonly name: string;
  readonly left: string;
  readonly right: string;
  readonly differs: boolean;
}

/** A screen with the rows behind a number of a run, and the states in which they may be. */
interface Rows {
  readonly screen: '/files' | '/rejects';
  readonly state: readonly string[];
}

/** A number of both runs. */
export interface Measure {
  readonly name: string;
  readonly left: number | null;
  readonly right: number | null;
  readonly format: (value: number | null) => string;
  readonly rows?: Rows;
}

/** A file that failed in one of the runs or in both, with the code of its error there. */
export interface FailedFile {
  readonly uri: string;
  readonly fileId: number | null;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

const FACTS: readonly (readonly [string, (run: Run) => string])[] = [
  ['state', (run) => run.state],
  ['kind', (run) => run.kind],
  ['target', (run) => run.target],
  ['contract', (run) => `${run.contract ?? '–'} v${run.contract_version ?? '–'}`],
  ['sources', (run) => run.sources.join('\n') || '–'],
  ['engine', (run) => run.engine],
  ['started by', (run) => run.started_by],
  ['host', (run) => run.host],
  ['program version', (run) => run.program_version],
  ['error', (run) => run.error?.code ?? '–'],
];

const COUNTERS = [
  'files_planned',
  'files_loaded',
  'files_failed',
  'files_skipped',
  'rows_read',
  'rows_loaded',
  'rows_duplicate',
  'rows_rejected',
] as const;

const ROWS: Readonly<Record<string, Rows>> = {
  files_loaded: { screen: '/files', state: EVER_LOADED },
  rows_loaded: { screen: '/files', state: EVER_LOADED },
  rows_rejected: { screen: '/rejects', state: EVER_REJECTED },
};

/** What both runs were. */
export function factsOf(left: RunDetail, right: RunDetail): readonly Fact[] {
  return FACTS.map(([name, text]) => fact(name, text(left.run), text(right.run)));
}

/** What both runs were started with: each option that one of them has. */
export function optionsOf(left: RunDetail, right: RunDetail): readonly Fact[] {
  const names = [...new Set([...Object.keys(left.options), ...Object.keys(right.options)])].sort();
  return names.map((name) => fact(name, shown(left.options[name]), shown(right.options[name])));
}

/** What both runs did. */
export function measuresOf(left: RunDetail, right: RunDetail): readonly Measure[] {
  const one = left.run;
  const other = right.run;
  const rows = hasFiles(one) && hasFiles(other) ? ROWS : {};
  return [
    measure('duration', one.duration_seconds, other.duration_seconds, seconds),
    measure('speed', one.rows_per_second, other.rows_per_second, rate),
    ...COUNTERS.map((name) =>
      measure(name.replace('_', ' '), one[name], other[name], count, rows[name]),
    ),
    measure('bytes read', one.bytes_read, other.bytes_read, bytes),
    measure('rejects open', left.rejects_open, right.rejects_open, count, {
      screen: '/rejects',
      state: ['open'],
    }),
  ];
}

/** The time of both runs by stage, the longest first. */
export function stagesOf(left: RunDetail, right: RunDetail): readonly Measure[] {
  const names = new Set([...Object.keys(left.stage_seconds), ...Object.keys(right.stage_seconds)]);
  return [...names]
    .map((name) =>
      measure(name, left.stage_seconds[name] ?? 0, right.stage_seconds[name] ?? 0, seconds),
    )
    .sort((one, other) => longest(other) - longest(one));
}

/** The files that failed, those that failed in both runs first. */
export function failedOf(
  left: readonly LedgerEvent[],
  right: readonly LedgerEvent[],
): readonly FailedFile[] {
  const files = new Map<string, FailedFile>();
  for (const [side, events] of [['left', left] as const, ['right', right] as const]) {
    for (const event of events) {
      const uri = event.uri ?? '–';
      const before = files.get(uri) ?? {
        uri,
        fileId: event.file_id,
        left: undefined,
        right: undefined,
      };
      files.set(uri, { ...before, [side]: codeOf(event) });
    }
  }
  const both = (file: FailedFile): number => (file.left && file.right ? 0 : 1);
  return [...files.values()].sort(
    (one, other) => both(one) - both(other) || one.uri.localeCompare(other.uri),
  );
}

/** How much the right number is more than the left: `+12 (+50%)`; empty where one is not known. */
export function difference({ left, right, format }: Measure): string {
  if (left === null || right === null) return '';
  const more = right - left;
  if (more === 0) return '=';
  const sign = more > 0 ? '+' : '−';
  const share = left === 0 ? '' : ` (${sign}${percent(Math.abs(more) / left)})`;
  return `${sign}${format(Math.abs(more))}${share}`;
}

function percent(share: number): string {
  const value = share * 100;
  return `${value < 10 ? value.toFixed(1) : count(value)}%`;
}

function longest(stage: Measure): number {
  return Math.max(stage.left ?? 0, stage.right ?? 0);
}

function fact(name: string, left: string, right: string): Fact {
  return { name, left, right, differs: left !== right };
}

function measure(
  name: string,
  left: number | null,
  right: number | null,
  format: (value: number | null) => string,
  rows?: Rows,
): Measure {
  return { name, left, right, format, ...(rows ? { rows } : {}) };
}

function codeOf(event: LedgerEvent): string {
  const error = event.detail['error'];
  const code =
    typeof error === 'object' && error !== null
      ? (error as Record<string, unknown>)['code']
      : undefined;
  return typeof code === 'string' ? code : 'failed';
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
