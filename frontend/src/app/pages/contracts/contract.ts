import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ContractDetail } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Copy } from '../../ui/copy';
import { Panel } from '../../ui/panel';
import { Time } from '../../ui/time';
import { columnLines, definitionOf, facts } from './definition';

const ORIGINS: Readonly<Record<ContractDetail['origin'], string>> = {
  builtin: 'built in',
  configured: 'the one that this server is set up with',
  ledger: 'only in the ledger: files were loaded by it',
};

/** A contract: what its files must look like. */
@Component({
  selector: 'app-contract',
  imports: [Copy, Panel, RouterLink, Time],
  templateUrl: './contract.html',
  styleUrl: './contract.scss',
})
export default class Contract {
  readonly name = input.required<string>();
  protected readonly detail = load<ContractDetail>(() =>
    apiUrl(`/contracts/${encodeURIComponent(this.name())}`),
  );
  private readonly definition = computed(() => {
    const detail = this.detail.value();
    return detail && definitionOf(detail);
  });
  protected readonly columns = computed(() => {
    const definition = this.definition();
    return definition ? columnLines(definition) : [];
  });
  protected readonly rules = computed(() => this.definition()?.rules ?? []);
  protected readonly key = computed(() => this.definition()?.key.join(', ') ?? '');
  protected readonly totals = computed(() => this.definition()?.control_totals.join(', ') ?? '');
  protected readonly groups = computed(() => {
    const it = this.definition();
    if (!it) return [];
    return [
      { name: 'Format', facts: facts(it.format) },
      { name: 'Limits of rejects', facts: facts(it.rejects) },
      { name: 'Columns that change', facts: facts(it.drift) },
    ];
  });
  protected readonly description = computed(() => this.definition()?.description ?? '');
  protected readonly eventTime = computed(() => this.definition()?.event_time ?? '');
  protected readonly onChanged = computed(() => this.definition()?.on_changed ?? '');
  protected readonly origins = ORIGINS;
}
