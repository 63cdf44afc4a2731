import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Contracts as ContractList } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { Panel } from '../../ui/panel';
import { CheckFile } from './check-file';

/** The contracts that can be named, and a place to try files. */
@Component({
  selector: 'app-contracts',
  imports: [CheckFile, Panel, RouterLink],
  templateUrl: './contracts.html',
})
export default class Contracts {
  /** Try files against this one only. */
  readonly contract = input<string>();
  protected readonly contracts = load<ContractList>(() => apiUrl('/contracts'));
  protected readonly items = computed(() => this.contracts.value()?.items ?? []);
  protected readonly names = computed(() => this.items().map(({ name }) => name));
}
