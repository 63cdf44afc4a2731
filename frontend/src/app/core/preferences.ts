import { DOCUMENT } from '@angular/common';
import { Injectable, Signal, computed, effect, inject, signal } from '@angular/core';

export type Theme = 'system' | 'light' | 'dark';
export type Zone = 'UTC' | 'local';

/** How somebody wants to see things; kept in the browser. */
@Injectable({ providedIn: 'root' })
export class Preferences {
  private readonly document = inject(DOCUMENT);
  private readonly storage = this.document.defaultView?.localStorage;
  private readonly theTheme = signal<Theme>(this.read('theme', ['system', 'light', 'dark']));
  private readonly theZone = signal<Zone>(this.read('zone', ['UTC', 'local']));

  readonly theme: Signal<Theme> = this.theTheme.asReadonly();
  readonly zone: Signal<Zone> = this.theZone.asReadonly();
  /** For `Intl`: undefined is the zone of the browser. */
  readonly timeZone = computed(() => (this.zone() === 'UTC' ? 'UTC' : undefined));

  constructor() {
    effect(() => {
      const theme = this.theme();
      this.document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme;
      this.storage?.setItem('theme', theme);
    });
    effect(() => this.storage?.setItem('zone', this.zone()));
  }

  nextTheme(): void {
    this.theTheme.update(
      (theme) => ({ system: 'light', light: 'dark', dark: 'system' })[theme] as Theme,
    );
  }

  switchZone(): void {
    this.theZone.update((zone) => (zone === 'UTC' ? 'local' : 'UTC'));
  }

  private read<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
    const kept = this.storage?.getItem(name);
    return allowed.find((value) => value === kept) ?? allowed[0];
  }
}
