import { Component, computed, input, signal } from '@angular/core';
import type { Plan, PlannedFile } from '../../api/types.gen';
import { BytesPipe, CountPipe, WordsPipe } from '../../core/formats';

interface Line {
  readonly file: PlannedFile;
  readonly isToLoad: boolean;
}

/** What a dry run found: how many files and bytes would be loaded, and for each file why, or why not. */
@Component({
  selector: 'app-plan-view',
  imports: [BytesPipe, CountPipe, WordsPipe],
  templateUrl: './plan-view.html',
  styleUrl: './plan-view.scss',
})
export class PlanView {
  readonly plan = input.required<Plan>();
  /** The reason whose files alone are shown. */
  protected readonly reason = signal('');

  protected readonly reasons = computed(() =>
    Object.entries(this.plan().reasons).sort(([, one], [, other]) => other - one),
  );
  private readonly all = computed<readonly Line[]>(() => [
    ...this.plan().to_load.map((file) => ({ file, isToLoad: true })),
    ...this.plan().skipped.map((file) => ({ file, isToLoad: false })),
  ]);
  protected readonly lines = computed(() =>
    this.all().filter((line) => this.reason() === '' || line.file.reason === this.reason()),
  );
  /** Files that are counted and not listed. */
  protected readonly unlisted = computed(
    () => this.plan().files_to_load + this.plan().files_skipped - this.all().length,
  );
  protected readonly skippedBytes = computed(() =>
    this.plan().skipped.reduce((sum, file) => sum + file.size_bytes, 0),
  );

  protected toggle(reason: string): void {
    this.reason.update((now) => (now === reason ? '' : reason));
  }
}
