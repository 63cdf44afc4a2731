import { Component, computed } from '@angular/core';
import type { Check, Checks as AllChecks, Readiness } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { SecondsPipe, WordsPipe } from '../../core/formats';
import { Hint } from '../../ui/hint';
import { Panel } from '../../ui/panel';
import { State } from '../../ui/state';
import { Time } from '../../ui/time';

const SAID: Readonly<Record<AllChecks['state'], string>> = {
  pass: 'All checks pass.',
  warn: 'It works, and something should be looked at.',
  fail: 'Something is broken: loads may fail.',
};
const WORST_FIRST: readonly Check['state'][] = ['fail', 'warn', 'pass'];

/** The checks of the doctor as cards, the worst first. */
@Component({
  selector: 'app-checks',
  imports: [Hint, Panel, SecondsPipe, State, Time, WordsPipe],
  templateUrl: './checks.html',
  styleUrl: './checks.scss',
})
export class Checks {
  protected readonly checks = load<AllChecks>(() => apiUrl('/system/checks'));
  protected readonly readiness = load<Readiness>(() => '/readyz');
  protected readonly sentence = computed(() => {
    const checks = this.checks.value();
    return checks && SAID[checks.state];
  });
  protected readonly items = computed(() =>
    [...(this.checks.value()?.items ?? [])].sort(
      (one, other) => WORST_FIRST.indexOf(one.state) - WORST_FIRST.indexOf(other.state),
    ),
  );
  protected readonly at = computed(() => this.checks.loadedAt()?.toISOString());

  protected again(): void {
    this.checks.reload();
    this.readiness.reload();
  }
}
