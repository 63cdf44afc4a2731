import { Component, inject, signal } from '@angular/core';
import { Refused } from './core/api';
import { Problem, problemOf } from './core/problem';
import { Session } from './core/session';
import { Copy } from './ui/copy';
import { ProblemCard } from './ui/problem-card';

/** A token opens a session; the browser never keeps the token. */
@Component({
  selector: 'app-sign-in',
  imports: [Copy, ProblemCard],
  template: `
    <form (submit)="$event.preventDefault(); signIn(token.value)">
      <h1>Sign in</h1>
      <label>
        Token
        <input #token class="control" type="password" autocomplete="off" required />
      </label>
      <button type="submit" class="plain primary" [disabled]="isBusy()">
        {{ isBusy() ? 'Signing in…' : 'Sign in' }}
      </button>
      @if (problem(); as problem) {
        <app-problem [problem]="problem" [canRetry]="false" />
      }
      <p class="muted">A token is made where the server runs:</p>
      <app-copy text="trade-ingest token create --name dashboard --scope operate --expires 30d" />
    </form>
  `,
  styles: `
    form {
      display: flex;
      flex-direction: column;
      gap: 14px;
      max-width: 520px;
      margin: 8vh auto 0;
    }
    label {
      display: flex;
      flex-direction: column;
      gap: 4px;
    }
    p {
      margin: 12px 0 0;
    }
  `,
})
export class SignIn {
  private readonly session = inject(Session);
  protected readonly isBusy = signal(false);
  protected readonly problem = signal<Problem | undefined>(undefined);

  protected async signIn(token: string): Promise<void> {
    this.isBusy.set(true);
    this.problem.set(undefined);
    try {
      await this.session.signIn(token.trim());
    } catch (error) {
      this.problem.set(error instanceof Refused ? error.problem : problemOf(error));
    } finally {
      this.isBusy.set(false);
    }
  }
}
