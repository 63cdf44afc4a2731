import { Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import type { Loadable } from '../core/api';
import { Problem, problemOf } from '../core/problem';
import { Panel } from './panel';

const problem = signal<Problem | undefined>(undefined);
const hasValue = signal(false);
const reload = vi.fn();

@Component({
  selector: 'app-host',
  imports: [Panel],
  template: `
    <app-panel
      heading="Runs"
      [data]="data"
      [isEmpty]="isEmpty()"
      emptyText="No run yet."
      emptyCommand="trade-ingest run"
    >
      <b>content</b>
    </app-panel>
  `,
})
class Host {
  readonly isEmpty = signal(false);
  readonly data: Loadable = {
    problem,
    hasValue,
    isLoading: signal(false),
    loadedAt: signal(new Date(Date.now() - 3 * 60_000)),
    reload,
  };
}

async function shown(change: (host: Host) => void): Promise<HTMLElement> {
  problem.set(undefined);
  hasValue.set(false);
  const fixture = TestBed.createComponent(Host);
  change(fixture.componentInstance);
  await fixture.whenStable();
  return fixture.nativeElement as HTMLElement;
}

/** What is read, with a space between elements. */
const text = (element: HTMLElement): string =>
  element.innerHTML
    .replace(/<!--.*?-->/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

describe('Panel', () => {
  it('waits', async () => {
    expect(text(await shown(() => undefined))).toBe('Runs Loading Runs');
  });

  it('shows what there is', async () => {
    expect(text(await shown(() => hasValue.set(true)))).toBe('Runs content');
  });

  it('says what to do where there is nothing', async () => {
    const element = await shown((host) => {
      hasValue.set(true);
      host.isEmpty.set(true);
    });

    expect(text(element)).toBe('Runs No run yet. trade-ingest run Copy');
  });

  it('says what went wrong and tries again', async () => {
    const element = await shown(() => problem.set(problemOf(new Error('no luck'))));

    expect(text(element)).toContain('no luck Load the page again.');
    expect(text(element)).not.toContain('content');
    element.querySelector<HTMLButtonElement>('[role=alert] button')?.click();
    expect(reload).toHaveBeenCalledOnce();
  });

  it('says that what it shows is old', async () => {
    const element = await shown(() => {
      hasValue.set(true);
      problem.set(problemOf(new Error('no luck')));
    });

    expect(text(element)).toMatch(/stale, as of 3 min ago .*no luck.* content$/);
  });
});
