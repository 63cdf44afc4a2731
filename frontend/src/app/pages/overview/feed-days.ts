import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Coverage, Freshness } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { count } from '../../core/formats';
import { reloadOn } from '../../core/live';
import { ProblemCard } from '../../ui/problem-card';
import { Stale } from '../../ui/stale';
import { Day, dayAfter, dayOf, daysOf, mondayOf } from './days';
import { filesOfDays, filesOnTheWay } from './feed-files';

const WEEKS = 26;
const CELL = 24;
const SIGNS: Readonly<Record<Day['state'], string>> = {
  loaded: '',
  partial: '◐',
  missing: '✕',
  late: '◷',
  holiday: '–',
  none: '',
};

interface Cell extends Day {
  readonly x: number;
  readonly y: number;
  readonly sign: string;
  readonly said: string;
  readonly query: Readonly<Record<string, string>>;
}

/**
 * Half a year of a feed, a column for each week.
 *
 * A day with rows leads to their files; one that lacks them to the files of the feed that are not loaded.
 */
@Component({
  selector: 'app-feed-days',
  imports: [ProblemCard, RouterLink, Stale],
  templateUrl: './feed-days.html',
  styleUrl: './feed-days.scss',
})
export class FeedDays {
  readonly feed = input.required<Freshness>();
  protected readonly size = CELL - 2;
  protected readonly height = 7 * CELL;

  protected readonly name = computed(() => `${this.feed().target} by ${this.feed().contract}`);
  private readonly newest = computed(() => dayOf(this.feed().last_event_at ?? ''));
  protected readonly first = computed(() => mondayOf(dayAfter(this.newest(), -7 * WEEKS)));
  protected readonly coverage = load<Coverage>(() => {
    const { target, contract } = this.feed();
    return apiUrl('/coverage', { target, contract, date_from: this.first() });
  });
  private readonly known = computed(() => this.coverage.value()?.days ?? []);
  protected readonly last = computed(() => {
    const asked = this.known().at(-1)?.date ?? '';
    return asked > this.newest() ? asked : this.newest();
  });
  protected readonly cells = computed<readonly Cell[]>(() =>
    daysOf(this.known(), this.first(), this.last()).map((day, index) => ({
      ...day,
      x: Math.floor(index / 7) * CELL,
      y: (index % 7) * CELL,
      sign: SIGNS[day.state],
      said: `${day.date}: ${day.state}, ${count(day.rows)} rows of ${count(day.files)} files`,
      query: day.rows ? filesOfDays(this.feed(), day.date, day.date) : filesOnTheWay(this.feed()),
    })),
  );
  protected readonly width = computed(() => Math.ceil(this.cells().length / 7) * CELL);
  protected readonly loaded = computed(() => this.cells().filter((cell) => cell.rows > 0).length);
  protected readonly allFiles = computed(() => filesOfDays(this.feed(), this.first(), this.last()));
  protected readonly onTheWay = computed(() => filesOnTheWay(this.feed()));
  protected readonly lacking = computed(() =>
    (['missing', 'late', 'partial'] as const)
      .map((state) => ({
        state,
        days: this.known().filter((day) => day.state === state),
      }))
      .filter(({ days }) => days.length),
  );

  constructor() {
    reloadOn(
      this.coverage,
      (event) => event.event === 'file_loaded' || event.event === 'file_rolled_back',
      10_000,
    );
  }
}
