import { Component, computed, inject, input, output } from '@angular/core';
import { ActivatedRoute, RouterLink } from '@angular/router';
import type { RunDetail, RunRequestOut, RunRequestsOut } from '../../api/types.gen';
import { Api, apiUrl, load } from '../../core/api';
import { count } from '../../core/formats';
import { idempotencyKey } from '../../core/idempotency';
import { reloadOn } from '../../core/live';
import { Query } from '../../core/query';
import { Session } from '../../core/session';
import { Ask } from '../../ui/ask';

/** What can be done with a run, for those who may. */
@Component({
  selector: 'app-run-actions',
  imports: [RouterLink],
  template: `
    @if (isRunning()) {
      @if (request()?.stop_requested_at) {
        <span class="warn">■ stopping: the files in flight are finished</span>
      } @else if (request() && session.canOperate()) {
        <button type="button" class="plain danger" (click)="cancel()">Cancel run</button>
      } @else if (requests.hasValue() && session.canOperate()) {
        <span class="muted">
          Not begun here: to stop it, press Ctrl-C in process {{ detail().process_id }} on
          {{ detail().run.host }}.
        </span>
      }
    } @else if (detail().failures.length && session.canOperate()) {
      <button type="button" class="plain primary" (click)="retry()">
        Retry {{ failed() }} failed {{ failed() === '1' ? 'file' : 'files' }}
      </button>
    }
    @if (detail().rejects_open) {
      <a
        class="link"
        routerLink="/rejects"
        [queryParams]="{ run_id: detail().run.run_id, state: 'open' }"
        >Replay {{ open() }} open rejects</a
      >
    }
    @if (detail().files_by_state['loaded'] && session.canOperate()) {
      <a
        class="link"
        routerLink="/files"
        [queryParams]="{ run_id: detail().run.run_id, state: 'loaded' }"
        >Roll back files</a
      >
    }
  `,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 16px;
    }
    .link {
      padding: 4px 0;
    }
  `,
})
export class RunActions {
  readonly detail = input.required<RunDetail>();
  /** Something was done to the run. */
  readonly done = output();

  protected readonly session = inject(Session);
  private readonly api = inject(Api);
  private readonly ask = inject(Ask);
  private readonly query = inject(Query);
  private readonly route = inject(ActivatedRoute);

  protected readonly isRunning = computed(() => this.detail().run.state === 'running');
  protected readonly requests = load<RunRequestsOut>(() =>
    this.isRunning() ? apiUrl('/run-requests') : undefined,
  );
  protected readonly request = computed(() =>
    this.requests.value()?.items.find((item) => item.run_id === this.detail().run.run_id),
  );
  protected readonly failed = computed(() => {
    const { failures, files_by_state } = this.detail();
    return count(Math.max(failures.length, files_by_state['failed'] ?? 0));
  });
  protected readonly open = computed(() => count(this.detail().rejects_open));

  constructor() {
    reloadOn(this.requests, (event) => event.run_id === this.detail().run.run_id, 5000);
  }

  protected async cancel(): Promise<void> {
    const { run } = this.detail();
    const left = Math.max(0, run.files_planned - run.files_loaded - run.files_failed);
    const isSure = await this.ask.confirm({
      title: `Cancel run ${run.run_id}?`,
      text: `${count(left)} of ${count(run.files_planned)} files have not ended. Those in flight are finished, no further one is begun. What is loaded stays; the next run takes up the rest.`,
      action: 'Cancel run',
      isDangerous: true,
    });
    if (!isSure) return;
    await this.ask.attempt(
      () => this.api.post(`/runs/${run.run_id}/cancel`),
      `Run ${run.run_id} is being stopped.`,
    );
    this.requests.reload();
    this.done.emit();
  }

  protected async retry(): Promise<void> {
    const { run } = this.detail();
    const isSure = await this.ask.confirm({
      title: `Retry the failed files of run ${run.run_id}?`,
      text: `A new run takes the files that failed and have not been loaded since (${this.failed()}), and no others, with the options of this run.`,
      action: 'Retry',
    });
    if (!isSure) return;
    await this.ask.attempt(async () => {
      const path = `/runs/${run.run_id}/retry`;
      const asked = await this.api.post<RunRequestOut>(path, {}, idempotencyKey());
      this.query.set(this.route, { retry: asked.run_request_id });
    }, 'A run of the failed files is asked for.');
  }
}
