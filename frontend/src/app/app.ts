import { Component, computed, inject } from '@angular/core';
import { MatDialog } from '@angular/material/dialog';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { Connection } from './core/live-stream';
import { Live } from './core/live';
import { Preferences } from './core/preferences';
import { Session } from './core/session';
import { ProblemCard } from './ui/problem-card';
import { SignIn } from './sign-in';

const SCREENS = [
  ['/', 'Overview'],
  ['/runs', 'Runs'],
  ['/files', 'Files'],
  ['/rejects', 'Rejects'],
  ['/trades', 'Trades'],
  ['/contracts', 'Contracts'],
  ['/system', 'System'],
] as const;

const SAID: Readonly<Record<Connection, readonly [string, string]>> = {
  connecting: ['◌', 'connecting'],
  live: ['●', 'live'],
  reconnecting: ['◌', 'reconnecting'],
  polling: ['◐', 'live, every 2 s'],
  paused: ['○', 'paused'],
};

/** The frame of all screens: where one is, whether what one sees is live, who one is. */
@Component({
  selector: 'app-root',
  imports: [ProblemCard, RouterLink, RouterLinkActive, RouterOutlet, SignIn],
  templateUrl: './app.html',
  styleUrl: './app.scss',
})
export class App {
  private readonly dialog = inject(MatDialog);
  protected readonly session = inject(Session);
  protected readonly preferences = inject(Preferences);
  protected readonly live = inject(Live);
  protected readonly screens = SCREENS;
  protected readonly said = computed(() => SAID[this.live.connection()]);

  constructor() {
    void this.session.ask();
  }

  protected async startRun(): Promise<void> {
    const { StartRun } = await import('./pages/start-run/start-run');
    this.dialog.open(StartRun, { width: '720px', maxWidth: '96vw' });
  }
}
