import { Component, inject, output, signal } from '@angular/core';
import type { NewTokenOut, TokenIn } from '../../api/types.gen';
import { Api, Refused } from '../../core/api';
import { Problem, problemOf } from '../../core/problem';
import { Copy } from '../../ui/copy';
import { Panel } from '../../ui/panel';
import { ProblemCard } from '../../ui/problem-card';

/** Makes a token, and shows it this once. */
@Component({
  selector: 'app-new-token',
  imports: [Copy, Panel, ProblemCard],
  templateUrl: './new-token.html',
  styles: `
    form {
      display: flex;
      flex-wrap: wrap;
      align-items: flex-end;
      gap: 8px 12px;
    }
    label {
      min-width: 0;
      max-width: 100%;
      display: flex;
      flex-direction: column;
      gap: 2px;
      color: var(--text-2);
      font-size: 12.5px;
    }
    select {
      max-width: 100%;
    }
    .made {
      padding: 10px 12px;
      margin-top: 12px;
      border-left: 4px solid var(--good);
      background: var(--good-back);
    }
  `,
})
export class NewToken {
  readonly made = output();
  private readonly api = inject(Api);
  protected readonly isBusy = signal(false);
  protected readonly token = signal<NewTokenOut | undefined>(undefined);
  protected readonly problem = signal<Problem | undefined>(undefined);

  /** Whether it is made. */
  protected async make(name: string, scope: string, days: string): Promise<boolean> {
    const wanted: TokenIn = {
      name: name.trim(),
      scope: scope as TokenIn['scope'],
      expires_in_days: days === '' ? null : Number(days),
    };
    this.isBusy.set(true);
    this.problem.set(undefined);
    try {
      this.token.set(await this.api.post<NewTokenOut>('/tokens', wanted));
    } catch (error) {
      this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
      return false;
    } finally {
      this.isBusy.set(false);
    }
    this.made.emit();
    return true;
  }
}
