import { Component, computed, input, linkedSignal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { SampleCheck } from '../../api/types.gen';
import { CountPipe, words } from '../../core/formats';
import { Hint } from '../../ui/hint';
import { Marked, faultsOf } from '../../ui/marked';

/** Which contracts take a file, and what one of them would reject. */
@Component({
  selector: 'app-check-result',
  imports: [CountPipe, Hint, Marked, RouterLink],
  templateUrl: './check-result.html',
  styleUrl: './check-result.scss',
})
export class CheckResult {
  /** The best first; at least one. */
  readonly checks = input.required<readonly SampleCheck[]>();
  protected readonly words = words;
  protected readonly chosen = linkedSignal(() => this.checks()[0]?.contract);
  protected readonly shown = computed(() =>
    this.checks().find(({ contract }) => contract === this.chosen()),
  );
  protected readonly rejects = computed(() =>
    (this.shown()?.check.rejects ?? []).map((reject) => ({
      ...reject,
      faults: faultsOf(reject.reasons),
    })),
  );
}
