import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { MatDialog } from '@angular/material/dialog';
import type { LiveEvent, Plan, PlannedFile, SessionOut } from '../../api/types.gen';
import { sampleRequest } from '../../testing/runs';
import { Screen, openScreen } from '../../testing/screen';
import { StartRun } from './start-run';

@Component({ template: '' })
class Behind {}

const file = (changes: Partial<PlannedFile>): PlannedFile => ({
  uri: 'fx/1.csv',
  version: 'v1',
  size_bytes: 1024,
  modified_at: '2024-01-10T06:00:00Z',
  reason: 'new',
  explanation: '',
  file_id: null,
  other_file_id: null,
  ...changes,
});

const PLAN: Plan = {
  contract: 'trade_event',
  target: 'public.trade_event',
  files_to_load: 3,
  bytes_to_load: 4096,
  files_skipped: 1,
  reasons: { new: 2, changed: 1, already_loaded: 1 },
  to_load: [
    file({}),
    file({ uri: 'fx/2.csv', reason: 'changed', explanation: 'its content differs', file_id: 6 }),
  ],
  skipped: [
    file({
      uri: 'fx/0.csv',
      reason: 'already_loaded',
      explanation: 'loaded by run 1',
      file_id: 5,
    }),
  ],
  ignored: ['fx/.hidden'],
};

/** The dialog, which is not within the screen. */
const dialog = (): HTMLElement => document.querySelector('app-start-run') as unknown as HTMLElement;

function button(name: string): HTMLButtonElement {
  const found = [...dialog().querySelectorAll('button')].find(
    (one) => one.textContent.trim() === name,
  );
  if (!found) throw new Error(`no button ${name}: ${dialog().textContent}`);
  return found;
}

const said = (selector: string): string[] =>
  [...dialog().querySelectorAll(selector)].map((one) =>
    one.textContent.replace(/\s+/g, ' ').trim(),
  );

const rows = (part: string): string[] =>
  [...dialog().querySelectorAll(`${part} tr`)].map((row) =>
    [...row.children]
      .map((cell) => cell.textContent.replace(/\s+/g, ' ').trim())
      .filter(Boolean)
      .join(' '),
  );

async function open(scope: SessionOut['scope'] = 'operate'): Promise<Screen> {
  Element.prototype.scrollIntoView = vi.fn();
  const screen = await openScreen(Behind, 'runs', '/runs', scope);
  TestBed.inject(MatDialog).open(StartRun);
  await screen.settle();
  await screen.answer('/contracts', {
    items: [
      {
        name: 'trade_event',
        version: 1,
        description: 'FX trade events',
        target: 'public.trade_event',
        key: ['trade_id'],
        event_time: 'executed_at',
        columns: 16,
        origin: 'builtin',
      },
    ],
  });
  return screen;
}

async function type(screen: Screen, name: string, value: string): Promise<void> {
  const control = dialog().querySelector<HTMLInputElement>(`#order-${name}`);
  if (!control) throw new Error(`no field ${name}`);
  control.value = value;
  control.dispatchEvent(new Event(control.tagName === 'SELECT' ? 'change' : 'input'));
  await screen.settle();
}

async function press(screen: Screen, name: string): Promise<void> {
  button(name).click();
  await screen.settle();
}

afterEach(() => TestBed.inject(MatDialog).closeAll());

describe('StartRun', () => {
  it('shows what a dry run finds, then starts the same order and follows it', async () => {
    const screen = await open();
    await type(screen, 'sources', 'fx/');
    await type(screen, 'contract', 'trade_event');
    await type(screen, 'parallelism', '2');
    expect(button('Go').disabled).toBe(true);
    await press(screen, 'Dry run');
    const plan = screen.http.expectOne('/api/v1/plans');
    expect(plan.request.body).toEqual({ sources: ['fx/'], contract: 'trade_event', limit: 500 });
    plan.flush(PLAN);
    await screen.settle();

    expect(said('app-plan-view > p')).toEqual([
      '3 to load, 4 KiB; 1 skipped. Into public.trade_event by the contract trade_event. Nothing is changed yet.',
      '1 more counted and not listed; the command below with --dry-run lists all.',
    ]);
    expect(rows('tbody')).toEqual([
      '✓ load fx/1.csv 1 KiB new',
      '✓ load fx/2.csv 1 KiB changed its content differs',
      '↷ skip fx/0.csv 1 KiB already loaded loaded by run 1',
    ]);
    expect(rows('tfoot')).toEqual(['Total to load, 3 files 4 KiB']);

    await press(screen, 'Go: load 3 files');
    const start = screen.http.expectOne('/api/v1/runs');
    expect(start.request.body).toEqual({
      sources: ['fx/'],
      contract: 'trade_event',
      options: { parallelism: 2 },
    });
    expect(start.request.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f]{32}$/);
    start.flush(sampleRequest());
    await screen.settle();
    await screen.answer('/run-requests/12', sampleRequest());
    expect(said('app-follow-run')).toEqual(['Request 12 waits for a free place…']);

    screen.events.next({ event: 'run_started', run_id: 9 } as LiveEvent);
    await screen.settle();
    await screen.answer('/run-requests/12', sampleRequest({ state: 'running', run_id: 9 }));
    expect(said('app-follow-run')).toEqual(['✓ Run 9 has begun.']);
    expect(dialog().querySelector('app-follow-run a')?.getAttribute('href')).toBe('/runs/9');
  });

  it('shows only the files of a reason', async () => {
    const screen = await open();
    await type(screen, 'sources', 'fx/');
    await press(screen, 'Dry run');
    screen.http.expectOne('/api/v1/plans').flush(PLAN);
    await screen.settle();
    await press(screen, 'changed: 1');

    expect(rows('tbody')).toEqual(['✓ load fx/2.csv 1 KiB changed its content differs']);
  });

  it('wants another dry run once something was changed', async () => {
    const screen = await open();
    await type(screen, 'sources', 'fx/');
    await press(screen, 'Dry run');
    screen.http.expectOne('/api/v1/plans').flush(PLAN);
    await screen.settle();
    await type(screen, 'max_rejects', '5');

    expect(button('Go').disabled).toBe(true);
    expect(said('section h3')[0]).toBe('Dry run ! of what was there before');
  });

  it('says at each field what is wrong with it', async () => {
    const screen = await open();
    await type(screen, 'sources', 'fx/');
    await type(screen, 'parallelism', '0');
    await press(screen, 'Dry run');
    screen.http.expectOne('/api/v1/plans').flush(PLAN);
    await screen.settle();
    await press(screen, 'Go: load 3 files');
    const first = screen.http.expectOne('/api/v1/runs');
    first.flush(
      {
        code: 'api.request',
        detail: 'not as documented',
        hint: '',
        errors: [{ pointer: '/options/parallelism', detail: 'should be at least 1' }],
      },
      { status: 400, statusText: 'no' },
    );
    await screen.settle();

    expect(said('#order-parallelism-wrong')).toEqual(['✕ should be at least 1']);
    const field = dialog().querySelector('#order-parallelism');
    expect(field?.getAttribute('aria-invalid')).toBe('true');
    expect(field?.getAttribute('aria-describedby')).toBe(
      'order-parallelism-hint order-parallelism-wrong',
    );
    expect(document.activeElement).toBe(field);
    expect(dialog().querySelector('app-problem')).toBeNull();
  });

  it('starts no second run when an answer was lost', async () => {
    const screen = await open();
    await type(screen, 'sources', 'fx/');
    await press(screen, 'Dry run');
    screen.http.expectOne('/api/v1/plans').flush(PLAN);
    await screen.settle();
    await press(screen, 'Go: load 3 files');
    const lost = screen.http.expectOne('/api/v1/runs');
    lost.error(new ProgressEvent('error'));
    await screen.settle();
    expect(said('app-problem .what')).toEqual(['✕ The server does not answer.']);
    await press(screen, 'Go: load 3 files');
    const again = screen.http.expectOne('/api/v1/runs');

    expect(again.request.headers.get('Idempotency-Key')).toBe(
      lost.request.headers.get('Idempotency-Key'),
    );
  });

  it('asks for a source before it asks the server', async () => {
    const screen = await open();
    await press(screen, 'Dry run');

    expect(said('#order-sources-wrong')).toEqual(['✕ Name at least one source.']);
    screen.http.verify();
  });

  it('says the command that does the same', async () => {
    const screen = await open();
    await type(screen, 'sources', 'fx/*.csv');
    await type(screen, 'contract', 'trade_event');

    expect(said('app-copy code')).toEqual(["trade-ingest run --contract trade_event 'fx/*.csv'"]);
  });

  it('only plans for somebody who may only read', async () => {
    await open('read');

    expect(said('mat-dialog-actions button')).toEqual(['Close', 'Dry run']);
  });
});
