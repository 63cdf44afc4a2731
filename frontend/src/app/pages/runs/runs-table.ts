import { Component, computed, inject, input, model } from '@angular/core';
import { Params, RouterLink } from '@angular/router';
import { Clock } from '../../core/clock';
import { BytesPipe, CountPipe, RatePipe, WordsPipe } from '../../core/formats';
import { EVER_LOADED, EVER_REJECTED, hasFiles } from '../../core/outcomes';
import { Sort } from '../../ui/sort';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';
import { DurationGauge } from './duration-gauge';
import { ListedRun, medianOf } from './like-runs';
import { RunProgress } from './run-progress';

interface Link {
  readonly to: readonly (string | number)[];
  readonly query: Params;
}

/** Runs, one a line; a box selects one, the box in the head all that are shown. */
@Component({
  selector: 'app-runs-table',
  imports: [
    BytesPipe,
    CountPipe,
    DurationGauge,
    RatePipe,
    RouterLink,
    RunProgress,
    Sort,
    State,
    Time,
    WordsPipe,
  ],
  templateUrl: './runs-table.html',
  styleUrl: './runs-table.scss',
})
export class RunsTable {
  readonly runs = input.required<readonly ListedRun[]>();
  readonly sort = input.required<string>();
  /** When the runs were read. */
  readonly loadedAt = input<Date>();
  /** Ids of the runs that are selected. */
  readonly selected = model.required<ReadonlySet<number>>();
  private readonly clock = inject(Clock);

  protected readonly rows = computed(() =>
    this.runs().map((run) => ({
      run,
      // a run that had nothing to load takes no time, however long others took
      median: run.files_planned > 0 ? medianOf(run, this.runs()) : null,
      hasFiles: hasFiles(run),
      files: rowsOf(run, '/files', EVER_LOADED),
      rejects: rowsOf(run, '/rejects', EVER_REJECTED),
    })),
  );
  protected readonly isAll = computed(
    () => this.runs().length > 0 && this.runs().every((run) => this.selected().has(run.run_id)),
  );
  protected readonly isSome = computed(
    () => !this.isAll() && this.runs().some((run) => this.selected().has(run.run_id)),
  );

  /** Seconds; of a running run with those since it was read. */
  protected duration(run: ListedRun): number {
    const since = this.loadedAt();
    if (run.ended_at !== null || !since) return run.duration_seconds;
    return run.duration_seconds + Math.max(0, (this.clock.now() - since.getTime()) / 1000);
  }

  protected select(id: number, isSelected: boolean): void {
    const ids = new Set(this.selected());
    if (isSelected) ids.add(id);
    else ids.delete(id);
    this.selected.set(ids);
  }

  protected selectAll(isSelected: boolean): void {
    this.selected.set(new Set(isSelected ? this.runs().map((run) => run.run_id) : []));
  }
}

/** Where the files or the rejects of a run are listed: where it has none of its own, on its page. */
function rowsOf(run: ListedRun, screen: string, state: readonly string[]): Link {
  return hasFiles(run)
    ? { to: [screen], query: { run_id: run.run_id, state } }
    : { to: ['/runs', run.run_id], query: {} };
}
