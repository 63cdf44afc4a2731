import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ContractDetail, FileDetail, FirstLines } from '../../api/types.gen';
import { Loaded } from '../../core/api';
import { Panel } from '../../ui/panel';
import { Match, cellsOf, matchHeader, rulesOf } from './header-match';

const SAID: Readonly<Record<Match, readonly [string, string, string]>> = {
  matched: ['good', '✓', 'matched'],
  alias: ['good', '≈', 'matched by another of its names'],
  spelled: ['good', '≈', 'matched, spelled otherwise'],
  missing: ['bad', '✕', 'missing'],
  absent: ['muted', '–', 'not there, which is allowed'],
  unknown: ['bad', '?', 'not in the contract'],
  ignored: ['warn', '?', 'not in the contract, ignored'],
  elsewhere: ['muted', '○', 'not from the file'],
};

/** The header of a file beside the columns of its contract. */
@Component({
  selector: 'app-header-panel',
  imports: [Panel, RouterLink],
  templateUrl: './header-panel.html',
  styles: `
    .sign {
      display: inline-block;
      width: 1.3em;
    }
  `,
})
export class HeaderPanel {
  readonly detail = input.required<FileDetail>();
  readonly contract = input.required<Loaded<ContractDetail>>();
  /** The beginning of the file, for the header of one that was never loaded. */
  readonly lines = input.required<Loaded<FirstLines>>();

  protected readonly rules = computed(() => {
    const contract = this.contract().value();
    return contract && rulesOf(contract);
  });
  private readonly kept = computed(() => this.detail().header);
  private readonly read = computed(() => {
    const rules = this.rules();
    const line = this.lines().value()?.lines[rules?.format.preamble_lines ?? 0];
    return rules && line ? cellsOf(line.text, rules.format.delimiter, rules.format.quote) : null;
  });
  protected readonly header = computed(() => this.kept() ?? this.read());
  protected readonly isReadNow = computed(() => !this.kept() && this.read() !== null);
  protected readonly rows = computed(() => {
    const rules = this.rules();
    if (!rules) return [];
    return matchHeader(this.header() ?? [], rules).map((row) => ({
      ...row,
      said: SAID[row.match],
    }));
  });
  protected readonly summary = computed(() => {
    const counts = new Map<string, number>();
    for (const row of this.rows()) counts.set(row.said[2], (counts.get(row.said[2]) ?? 0) + 1);
    return [...counts].map(([words, count]) => `${count} ${words}`).join(', ');
  });
  protected readonly otherVersion = computed(() => {
    const contract = this.contract().value();
    const { contract_version } = this.detail().file;
    return contract && contract.version !== contract_version ? contract.version : undefined;
  });
}
