import type { LiveProgress } from '../../api/types.gen';

const SMOOTH_SECONDS = 5;

/** A file that is being loaded; its speeds are unknown until it was seen twice. */
export interface MovingFile {
  readonly file_id: number;
  readonly progress: LiveProgress;
  /** When it was last heard of, in milliseconds since 1970. */
  readonly at: number;
  readonly rowsPerSecond: number | undefined;
  readonly bytesPerSecond: number | undefined;
}

/** The files of a run that are being loaded, in the order in which they began, and their sums. */
export interface Moving {
  readonly run_id: number;
  readonly files: readonly MovingFile[];
  readonly byId: ReadonlyMap<number, MovingFile>;
  readonly rows: number;
  readonly bytes: number;
  readonly rejected: number;
  readonly rowsPerSecond: number;
}

/**
 * What moves now, from what moved before: one pass over the files. A file of which nothing new was heard stays the same
 * object.
 */
export function move(
  before: Moving | undefined,
  progress: ReadonlyMap<number, LiveProgress>,
  run_id: number,
  now: number,
): Moving {
  const known = before?.run_id === run_id ? before.byId : undefined;
  const byId = new Map<number, MovingFile>();
  const files: MovingFile[] = [];
  let [rows, bytes, rejected, rowsPerSecond] = [0, 0, 0, 0];
  for (const item of progress.values()) {
    if (item.run_id !== run_id) continue;
    const file = step(known?.get(item.file_id), item, now);
    byId.set(item.file_id, file);
    files.push(file);
    rows += item.rows_read;
    bytes += item.bytes_read;
    rejected += item.rows_rejected;
    rowsPerSecond += file.rowsPerSecond ?? 0;
  }
  return { run_id, files, byId, rows, bytes, rejected, rowsPerSecond };
}

/** The seconds that a file still needs at its speed; undefined: nobody can say. */
export function secondsLeft(file: MovingFile): number | undefined {
  const { size_bytes, bytes_read } = file.progress;
  return file.bytesPerSecond
    ? Math.max(0, size_bytes - bytes_read) / file.bytesPerSecond
    : undefined;
}

function step(before: MovingFile | undefined, progress: LiveProgress, now: number): MovingFile {
  const { file_id } = progress;
  if (before?.progress === progress) return before;
  const seconds = before ? (now - before.at) / 1000 : 0;
  // a file that begins again has fewer rows than before
  if (!before || seconds <= 0 || progress.rows_read < before.progress.rows_read) {
    return { file_id, progress, at: now, rowsPerSecond: undefined, bytesPerSecond: undefined };
  }
  const weight = 1 - Math.exp(-seconds / SMOOTH_SECONDS);
  const smooth = (old: number | undefined, change: number): number =>
    old === undefined ? change / seconds : old + (change / seconds - old) * weight;
  return {
    file_id,
    progress,
    at: now,
    rowsPerSecond: smooth(before.rowsPerSecond, progress.rows_read - before.progress.rows_read),
    bytesPerSecond: smooth(before.bytesPerSecond, progress.bytes_read - before.progress.bytes_read),
  };
}
