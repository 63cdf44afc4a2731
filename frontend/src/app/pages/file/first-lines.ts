import { Component, computed, inject, input } from '@angular/core';
import { ActivatedRoute, RouterLink } from '@angular/router';
import type { FirstLines } from '../../api/types.gen';
import { Loaded } from '../../core/api';
import { CountPipe } from '../../core/formats';
import { EVER_REJECTED } from '../../core/outcomes';
import { Query } from '../../core/query';
import { Marked, faultsOf } from '../../ui/marked';
import { Panel } from '../../ui/panel';

/** The first lines of a file as it is now. */
@Component({
  selector: 'app-first-lines',
  imports: [CountPipe, Marked, Panel, RouterLink],
  templateUrl: './first-lines.html',
  styleUrl: './first-lines.scss',
})
export class FirstLinesPanel {
  readonly file_id = input.required<number>();
  readonly lines = input.required<Loaded<FirstLines>>();
  readonly limit = input.required<number>();
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);
  protected readonly EVER_REJECTED = EVER_REJECTED;

  protected readonly shown = computed(() =>
    (this.lines().value()?.lines ?? []).map((line) => ({
      ...line,
      faults: faultsOf(line.reasons),
    })),
  );
  protected readonly isOtherVersion = computed(
    () => this.lines().value()?.is_same_version === false,
  );
  protected readonly hasMore = computed(
    () => this.shown().length >= this.limit() && this.limit() < 200,
  );

  protected more(): void {
    this.query.set(this.route, { lines: 200 });
  }
}
