import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ContractDetail, RunDetail } from '../../api/types.gen';
import { apiUrl, load } from '../../core/api';
import { words } from '../../core/formats';
import { Panel } from '../../ui/panel';
import { ProblemCard } from '../../ui/problem-card';
import { definitionOf } from '../contracts/definition';

interface Option {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
  readonly isGiven: boolean;
}

/** Where an option comes from that the run was not given. */
const OTHERWISE: Readonly<Record<string, string>> = {
  also: 'no lake',
  parallelism: 'as the engine finds best',
  max_connections: 'no limit',
  master: 'not used by this engine',
};
/** What the contract says of such an option. */
const OF_CONTRACT: Readonly<Record<string, 'on_changed' | 'rejects'>> = {
  on_changed: 'on_changed',
  reject_limit: 'rejects',
};
const DEFAULTS: Readonly<Record<string, unknown>> = { after_load: 'keep', engine: 'auto' };

/** What a run was started with, what held where nothing was said, and what ran it. */
@Component({
  selector: 'app-configuration-tab',
  imports: [Panel, ProblemCard, RouterLink],
  template: `
    <div class="stack">
      <app-panel heading="Options">
        @if (contract.problem(); as problem) {
          <app-problem [problem]="problem" (retry)="contract.reload()" />
        }
        <div class="table-scroll" tabindex="0" role="region" aria-label="Options of the run">
          <table class="data">
            <thead>
              <tr>
                <th>Option</th>
                <th>Value</th>
                <th>From</th>
              </tr>
            </thead>
            <tbody>
              @for (option of options(); track option.name) {
                <tr>
                  <td>{{ option.name }}</td>
                  <td class="wrap mono">{{ option.value }}</td>
                  <td [class.muted]="!option.isGiven">{{ option.origin }}</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      </app-panel>
      <app-panel heading="Versions and process">
        <dl class="facts">
          <dt>Program</dt>
          <dd>trade-ingest {{ run().program_version }}</dd>
          <dt>Contract</dt>
          <dd>
            @if (run().contract) {
              <a [routerLink]="['/contracts', run().contract]">{{ run().contract }}</a>
              version {{ run().contract_version }}
            } @else {
              –
            }
          </dd>
          <dt>Sources</dt>
          <dd>
            @for (source of run().sources; track source) {
              <div class="mono">{{ source }}</div>
            }
          </dd>
          <dt>Engine</dt>
          <dd>{{ run().engine }}</dd>
          <dt>Process</dt>
          <dd>
            {{ detail().process_id }} on {{ run().host }},
            {{ detail().is_live ? 'it lives' : 'it has ended' }}
          </dd>
        </dl>
      </app-panel>
    </div>
  `,
})
export class ConfigurationTab {
  readonly detail = input.required<RunDetail>();
  protected readonly run = computed(() => this.detail().run);

  protected readonly contract = load<ContractDetail>(() => {
    const name = this.run().contract;
    return name ? apiUrl(`/contracts/${encodeURIComponent(name)}`) : undefined;
  });
  protected readonly options = computed<readonly Option[]>(() => {
    const { origins, ...options } = this.detail().options;
    return Object.entries(options).map(([name, value]) => {
      const ofContract = value === null ? this.contractSays(name) : undefined;
      if (ofContract) return { name: words(name), ...ofContract, isGiven: false };
      const isGiven = !(value === null || value === false || value === DEFAULTS[name]);
      return {
        name: words(name),
        value: shown(value),
        origin: isGiven
          ? (told(origins, name) ?? 'given')
          : value === null
            ? (OTHERWISE[name] ?? 'default')
            : 'default',
        isGiven,
      };
    });
  });

  /** What held where nothing was given; its value is known of the version that the run used only. */
  private contractSays(name: string): Pick<Option, 'value' | 'origin'> | undefined {
    const part = OF_CONTRACT[name];
    const { contract, contract_version } = this.run();
    if (!part || !contract) return undefined;
    const detail = this.contract.value();
    const isSame = detail?.version === contract_version;
    return {
      value: detail && isSame ? shown(definitionOf(detail)[part]) : '–',
      origin: `contract ${contract}, version ${contract_version}`,
    };
  }
}

/** Where an option came from, as the run has kept it. */
function told(origins: unknown, name: string): string | undefined {
  const found: unknown = typeof origins === 'object' ? Reflect.get(origins ?? {}, name) : undefined;
  return typeof found === 'string' ? found : undefined;
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(shown).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, inner]) => `${words(name)} ${shown(inner)}`)
      .join(', ');
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '–';
}
