import { Component, computed, input } from '@angular/core';
import { percent, seconds } from '../../core/formats';

const ORDER: readonly string[] = ['parse', 'copy', 'commit'];
/** Who works in a stage: where more speed would come from. */
const WORKER: Readonly<Record<string, string>> = {
  parse: 'reading and checking, on the loading machines',
  copy: 'writing, on PostgreSQL',
  commit: 'committing, on the disk of PostgreSQL',
};

interface Stage {
  readonly name: string;
  readonly isBottleneck: boolean;
  /** In percent of the whole. */
  readonly from: number;
  readonly width: number;
  readonly text: string;
}

/** Where the time of a run's loading threads went, stage after stage. */
@Component({
  selector: 'app-stages',
  template: `
    @if (bottleneck(); as name) {
      <p>
        The bottleneck is <b>{{ name }}</b>{{ worker(name) }}.
      </p>
    }
    <ul>
      @for (stage of stages(); track stage.name) {
        <li [class.most]="stage.isBottleneck">
          <span>{{ stage.name }}</span>
          <svg height="14" width="100%" aria-hidden="true">
            <rect class="back" width="100%" height="14" rx="3" />
            <rect
              class="bar"
              [attr.x]="stage.from + '%'"
              [attr.width]="stage.width + '%'"
              height="14"
              rx="3"
            />
          </svg>
          <span class="text">{{ stage.text }}</span>
        </li>
      }
    </ul>
  `,
  styles: `
    ul {
      display: grid;
      gap: 6px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: grid;
      grid-template-columns: 60px minmax(40px, 1fr) 150px;
      align-items: center;
      gap: 10px;
    }
    .most {
      font-weight: 650;
    }
    .text {
      text-align: right;
    }
    .back {
      fill: var(--idle-back);
    }
    .bar {
      fill: var(--busy);
    }
    .most .bar {
      fill: var(--warn);
    }
  `,
})
export class Stages {
  readonly stageSeconds = input.required<Readonly<Record<string, number>>>();
  readonly bottleneck = input<string | null>(null);

  protected readonly stages = computed<readonly Stage[]>(() => {
    const place = ([name]: [string, number]): number =>
      ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length;
    const entries = Object.entries(this.stageSeconds()).sort((a, b) => place(a) - place(b));
    const total = entries.reduce((sum, [, value]) => sum + value, 0);
    let from = 0;
    return entries.map(([name, value]) => {
      const share = total > 0 ? value / total : 0;
      const stage: Stage = {
        name,
        isBottleneck: name === this.bottleneck(),
        from: from * 100,
        width: share * 100,
        text: `${seconds(value)} · ${percent(share)}`,
      };
      from += share;
      return stage;
    });
  });

  protected worker(name: string): string {
    return WORKER[name] ? ` (${WORKER[name]})` : '';
  }
}
