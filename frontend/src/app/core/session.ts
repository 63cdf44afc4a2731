import { HttpErrorResponse, HttpInterceptorFn } from '@angular/common/http';
import { Injectable, computed, inject, signal } from '@angular/core';
import { catchError, throwError } from 'rxjs';
import type { SessionOut } from '../api/types.gen';
import { Api, Refused } from './api';
import type { Problem } from './problem';

export type Scope = SessionOut['scope'];

const RANK: Record<Scope, number> = { read: 0, operate: 1, admin: 2 };

/** Who uses the dashboard, and what they may do. */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly api = inject(Api);
  private readonly who = signal<SessionOut | undefined>(undefined);
  private readonly is = signal<'asking' | 'in' | 'out' | 'failed'>('asking');

  readonly user = this.who.asReadonly();
  /** `out`: a token is needed. `failed`: nobody could be asked. */
  readonly state = this.is.asReadonly();
  readonly problem = signal<Problem | undefined>(undefined);
  readonly canOperate = computed(() => this.has('operate'));
  readonly canAdminister = computed(() => this.has('admin'));
  /** Whether there is a session to end: nobody signs in where everybody is let in. */
  readonly canSignOut = computed(() => this.who()?.method === 'session');

  async ask(): Promise<void> {
    try {
      this.enter(await this.api.get<SessionOut>('/session'));
    } catch (error) {
      const problem = error instanceof Refused ? error.problem : undefined;
      this.problem.set(problem);
      this.is.set(problem?.status === 401 ? 'out' : 'failed');
    }
  }

  /** Begin a session with a token; throws what the API says against it. */
  async signIn(token: string): Promise<void> {
    await this.api.post('/session', { token });
    await this.ask();
  }

  async signOut(): Promise<void> {
    await this.api.delete('/session');
    this.leave();
  }

  /** The server no longer knows who this is. */
  leave(): void {
    this.who.set(undefined);
    this.is.set('out');
  }

  private enter(user: SessionOut): void {
    this.who.set(user);
    this.problem.set(undefined);
    this.is.set('in');
  }

  private has(scope: Scope): boolean {
    const user = this.who();
    return user !== undefined && RANK[user.scope] >= RANK[scope];
  }
}

/** An answer 401 leads to the sign-in, wherever it came from. */
export const signInAgain: HttpInterceptorFn = (request, next) => {
  const session = inject(Session);
  return next(request).pipe(
    catchError((error: unknown) => {
      if (error instanceof HttpErrorResponse && error.status === 401 && session.state() === 'in')
        session.leave();
      return throwError(() => error);
    }),
  );
};
