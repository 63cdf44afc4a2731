import { Component, computed, input } from '@angular/core';
import { words } from '../core/formats';

type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'idle';

/** Of each state its tone and its sign: colour is never the only one. */
const LOOK: Readonly<Record<string, readonly [Tone, string]>> = {
  running: ['busy', '▶'],
  loading: ['busy', '▶'],
  waiting: ['idle', '…'],
  pending: ['idle', '…'],
  requested: ['idle', '…'],
  queued: ['idle', '…'],
  starting: ['busy', '…'],
  stopping: ['warn', '■'],
  succeeded: ['good', '✓'],
  loaded: ['good', '✓'],
  pass: ['good', '✓'],
  replayed: ['good', '✓'],
  complete: ['good', '✓'],
  failed: ['bad', '✕'],
  fail: ['bad', '✕'],
  abandoned: ['bad', '✕'],
  missing: ['bad', '✕'],
  open: ['warn', '!'],
  warn: ['warn', '!'],
  interrupted: ['warn', '■'],
  cancelled: ['warn', '■'],
  partial: ['warn', '◐'],
  late: ['warn', '◷'],
  skipped: ['idle', '↷'],
  replaced: ['idle', '⇄'],
  rolled_back: ['idle', '↶'],
  baseline: ['idle', '≡'],
  discarded: ['idle', '–'],
  holiday: ['idle', '○'],
};

/** The state of a run, a file, a reject or a check, as word, sign and colour. */
@Component({
  selector: 'app-state',
  template: `<span aria-hidden="true">{{ look()[1] }}</span> {{ text() }}`,
  host: { '[class]': 'look()[0]' },
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 5px;
      padding: 1px 8px;
      border-radius: 10px;
      font-size: 12.5px;
      font-weight: 600;
      white-space: nowrap;
    }
    :host(.good) {
      color: var(--good);
      background: var(--good-back);
    }
    :host(.bad) {
      color: var(--bad);
      background: var(--bad-back);
    }
    :host(.warn) {
      color: var(--warn);
      background: var(--warn-back);
    }
    :host(.busy) {
      color: var(--busy);
      background: var(--busy-back);
    }
    :host(.idle) {
      color: var(--idle);
      background: var(--idle-back);
    }
  `,
})
export class State {
  readonly state = input.required<string>();
  protected readonly text = computed(() => words(this.state()));
  protected readonly look = computed(() => LOOK[this.state()] ?? (['idle', '·'] as const));
}
