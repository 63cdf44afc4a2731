import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Coverage } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Clock } from '../../core/clock';
import { count } from '../../core/formats';
import { reloadOn } from '../../core/live';
import { ProblemCard } from '../../ui/problem-card';
import { Stale } from '../../ui/stale';
import { Day, daysOf, isoDate } from './days';

const MS_A_DAY = 86_400_000;
const WEEKS = 26;
const CURRENT_DAYS = 28;
const CELL = 15;
const SIGNS: Readonly<Record<Day['state'], string>> = {
  loaded: '',
  partial: '◐',
  missing: '✕',
  late: '◷',
  none: '',
};

/** A table of trades. */
export interface Target {
  readonly name: string;
  /** The time of its newest trade. */
  readonly last: string;
  readonly contracts: readonly string[];
}

interface Cell extends Day {
  readonly x: number;
  readonly y: number;
  readonly sign: string;
  readonly said: string;
}

/**
 * Half a year of a target, a column for each week; a day leads to its files.
 *
 * It ends at the newest trade, or yesterday where that is of the last four weeks: days that should be there are late.
 */
@Component({
  selector: 'app-target-days',
  imports: [ProblemCard, RouterLink, Stale],
  templateUrl: './target-days.html',
  styleUrl: './target-days.scss',
})
export class TargetDays {
  readonly target = input.required<Target>();
  private readonly clock = inject(Clock);
  protected readonly size = CELL - 2;
  protected readonly width = (WEEKS + 1) * CELL;
  protected readonly height = 7 * CELL;

  private readonly today = computed(() => Date.parse(isoDate(this.clock.now())));
  /** The last day, and the Monday half a year before it. */
  private readonly range = computed(() => {
    const newest = Date.parse(isoDate(Date.parse(this.target().last)));
    const yesterday = this.today() - MS_A_DAY;
    const isCurrent = yesterday - newest <= CURRENT_DAYS * MS_A_DAY;
    const last = isCurrent ? Math.max(newest, yesterday) : newest;
    const weekday = (new Date(last).getUTCDay() + 6) % 7;
    return { first: last - (weekday + 7 * WEEKS) * MS_A_DAY, last };
  });
  protected readonly coverage = load<Coverage>(() => {
    const from = isoDate(this.range().first - 28 * MS_A_DAY);
    return apiUrl('/coverage', { target: this.target().name, date_from: from });
  });
  protected readonly cells = computed<readonly Cell[]>(() => {
    const { first, last } = this.range();
    const days = daysOf(this.coverage.value()?.days ?? [], new Date(first), new Date(last));
    return days.map((day, index) => ({
      ...day,
      x: Math.floor(index / 7) * CELL,
      y: (index % 7) * CELL,
      sign: SIGNS[day.state],
      said: `${day.date}: ${day.state === 'none' ? 'nothing expected' : day.state}, ${count(day.rows)} rows of ${count(day.files)} files`,
    }));
  });
  protected readonly missing = computed(() => this.counted('missing'));
  protected readonly late = computed(() => this.counted('late'));
  protected readonly loaded = computed(() => this.cells().filter((cell) => cell.rows > 0).length);
  protected readonly from = computed(() => isoDate(this.range().first));
  protected readonly to = computed(() => isoDate(this.range().last));

  constructor() {
    reloadOn(
      this.coverage,
      (event) => event.event === 'file_loaded' || event.event === 'file_rolled_back',
      10_000,
    );
  }

  /** What the list of files is to show for some days. */
  protected filesOf(first: string, last: string): Record<string, string> {
    const next = isoDate(Date.parse(last) + MS_A_DAY);
    return { target: this.target().name, state: 'loaded', event_from: first, event_to: next };
  }

  private counted(state: Day['state']): number {
    return this.cells().filter((cell) => cell.state === state).length;
  }
}
