import type { Bar, SymbolPrices, TradeRow, TradeTarget, TradeVersion } from '../../api/types.gen';
import { PROBLEM_SAID, sampleProblem } from '../../testing/problem';
import { Screen, openScreen } from '../../testing/screen';
import { rowsOfBar } from './bar-rows';
import { neighbour } from './span';
import Trades from './trades';

const TARGET = 'target=public.fills';
const SPAN = { event_from: '2024-01-02T00:00:00Z', event_to: '2024-01-03T00:00:00Z' };

function sampleTarget(changes: Partial<TradeTarget> = {}): TradeTarget {
  return {
    target: 'public.fills',
    contract: 'fills',
    columns: [
      { name: 'trade_id', sql_type: 'text', description: 'Of the venue.' },
      { name: 'price', sql_type: 'numeric', description: '' },
    ],
    key: ['trade_id'],
    event_time: 'executed_at',
    symbol: ['symbol'],
    price: 'price',
    quantity: 'quantity',
    identity: ['trade_id'],
    version: null,
    last_event_at: '2024-01-02T10:00:00Z',
    ...changes,
  };
}

function samplePrices(changes: Partial<SymbolPrices> = {}): SymbolPrices {
  return {
    symbol: 'EURUSD',
    trades: 1200,
    volume: '1500000.5',
    last_price: '1.625',
    last_at: '2024-01-02T10:00:00Z',
    file_id: 7,
    row_number: 2,
    ...changes,
  };
}

function sampleRow(changes: Partial<TradeRow> = {}): TradeRow {
  return {
    file_id: 7,
    row_number: 2,
    uri: 's3://vendor/fills_2.csv',
    file_state: 'loaded',
    run_id: 3,
    event_at: '2024-01-02T10:00:00Z',
    symbol: 'EURUSD',
    values: { trade_id: 'A1', price: '1.625' },
    ...changes,
  };
}

const BAR: Bar = {
  at: '2024-01-02T10:00:00Z',
  open: '1.5',
  high: '2',
  low: '1.25',
  close: '1.625',
  volume: '1500',
  trades: 12,
};
const symbols = (...items: SymbolPrices[]): object => ({ ...SPAN, items });
const bars = (...items: Bar[]): object => ({ ...SPAN, interval: '1h', items });
const rows = (...items: TradeRow[]): object => ({ items, next_cursor: null });

const open = (query = ''): Promise<Screen> => openScreen(Trades, 'trades', `/trades${query}`);

/** The screen of a target with a symbol. */
async function openFilled(query = '', parameters = TARGET): Promise<Screen> {
  const screen = await open(query);
  await screen.answer('/trades/targets', { items: [sampleTarget()] });
  await screen.answer(
    `/trades/symbols?${parameters}`,
    symbols(samplePrices(), samplePrices({ symbol: 'USDJPY', trades: 1, row_number: 4 })),
  );
  await screen.answer(`/trades/rows?${parameters}`, rows(sampleRow()));
  await screen.answer(`/trades/bars?${parameters}&symbol=EURUSD`, bars(BAR));
  return screen;
}

function hrefs(screen: Screen, selector: string): (string | null)[] {
  return [...screen.element.querySelectorAll(selector)].map((link) => link.getAttribute('href'));
}

async function choose(screen: Screen, selector: string, value: string): Promise<void> {
  const entry = screen.element.querySelector<HTMLSelectElement | HTMLInputElement>(selector);
  if (!entry) throw new Error(`no entry ${selector}`);
  entry.value = value;
  entry.dispatchEvent(new Event('change'));
  await screen.settle();
}

describe('Trades', () => {
  it('waits for the targets before it asks for more', async () => {
    const screen = await open();

    expect(screen.panel('Which')).toBe('Which Loading Which');
    screen.http.expectNone(({ url }) => url.includes('/trades/symbols'));
  });

  it('says what to run where nothing has landed', async () => {
    const screen = await open();
    await screen.answer('/trades/targets', { items: [] });

    expect(screen.text('.empty')).toBe(
      'No target has a table yet. Load a file first: trade-ingest run FOLDER Copy',
    );
  });

  it('says what stands against it, and tries again', async () => {
    const screen = await open();
    await screen.answer('/trades/targets', sampleProblem(), 503);
    expect(screen.panel('Which')).toBe(`Which ${PROBLEM_SAID}`);

    await screen.click('Try again');
    await screen.answer('/trades/targets', { items: [sampleTarget()] });
    expect(screen.text('select option')).toBe('public.fills');
  });

  it('asks for what the address says, days as moments in UTC', async () => {
    const span = 'event_from=2024-01-02T00%3A00%3A00Z&event_to=2024-01-03T00%3A00%3A00Z&file_id=7';
    const screen = await open(
      '?target=public.fills&symbol=USDJPY&interval=1m&event_from=2024-01-02&event_to=2024-01-03&file_id=7',
    );

    await screen.answer('/trades/targets', { items: [sampleTarget()] });
    await screen.answer(`/trades/symbols?${TARGET}&${span}`, symbols());
    await screen.answer(`/trades/rows?${TARGET}&${span}&symbol=USDJPY`, rows());
    await screen.answer(`/trades/bars?${TARGET}&${span}&symbol=USDJPY&interval=1m`, bars());
    expect(screen.panel('Which')).toContain('Only rows of file 7 .');
    expect(hrefs(screen, 'app-panel p a')).toEqual(['/files/7']);
    expect(screen.panel('Latest prices')).toContain('No trade in this span.');
    expect(screen.panel('Prices of USDJPY')).toContain('No trade with a price in this span.');
    expect(screen.panel('Rows of USDJPY')).toContain('No row in this span.');
  });

  it('forgets the span and the row where another target is chosen', async () => {
    const screen = await open('?target=public.fills&file_id=7&row_number=2&symbol=EURUSD');
    const other = sampleTarget({ target: 'public.other' });
    await screen.answer('/trades/targets', { items: [sampleTarget(), other] });
    await choose(screen, 'select', 'public.other');

    expect(screen.url).toBe('/trades?target=public.other');
  });

  it('steps by the length of the span that is shown', async () => {
    const screen = await openFilled();
    await screen.click('◀ Before');

    expect(screen.url).toBe('/trades?event_from=2024-01-01&event_to=2024-01-02');
    await screen.click('Last day');
    expect(screen.url).toBe('/trades');
  });

  it('says what it cannot show of a target without symbols and prices', async () => {
    const screen = await open();
    await screen.answer('/trades/targets', {
      items: [sampleTarget({ price: null, symbol: [] })],
    });

    expect(screen.panel('Which')).toContain('None of its columns is known as a price');
    expect(screen.texts('app-bars-panel')).toEqual([]);
  });
});

describe('Latest prices', () => {
  it('are those of each symbol, and lead to its rows and to the row of the last trade', async () => {
    const screen = await openFilled();

    expect(screen.texts('app-symbols-panel tbody tr')).toEqual([
      'EURUSD 1,200 1,500,000.5 2024-01-02 10:00:00Z 1.625 row',
      'USDJPY 1 1,500,000.5 2024-01-02 10:00:00Z 1.625 row',
    ]);
    expect(hrefs(screen, 'app-symbols-panel tbody tr:first-child a')).toEqual([
      '/trades?symbol=EURUSD',
      '/trades?symbol=EURUSD#rows',
      '/trades?file_id=7&row_number=2',
    ]);
  });

  it('are sorted by the column that is chosen', async () => {
    const screen = await openFilled();
    await screen.click('Symbol');
    await screen.click('Symbol');

    expect(screen.texts('app-symbols-panel tbody td:first-child')).toEqual(['USDJPY', 'EURUSD']);
    expect(screen.text('app-symbols-panel th[aria-sort]')).toBe('Symbol');
  });

  it('say when they are not all', async () => {
    const screen = await open();
    await screen.answer('/trades/targets', { items: [sampleTarget()] });
    const many = Array.from({ length: 500 }, (_, at) => samplePrices({ symbol: `S${at}` }));
    await screen.answer(`/trades/symbols?${TARGET}`, symbols(...many));

    expect(screen.text('app-symbols-panel .badge')).toBe('the 500 most traded');
  });

  it('stay when they cannot be read again, and say how old they are', async () => {
    const screen = await openFilled();
    screen.events.next({
      ...{ event_id: 1, at: '2024-01-11T00:00:00Z', event: 'run_ended' },
      ...{ run_id: 3, file_id: null, uri: null, detail: {} },
    });
    await screen.settle();
    await screen.answer('/trades/targets', { items: [sampleTarget()] });
    await screen.answer(`/trades/symbols?${TARGET}`, sampleProblem(), 503);

    expect(screen.panel('Latest prices')).toContain('stale, as of now');
    expect(screen.texts('app-symbols-panel tbody tr').length).toBe(2);
  });
});

describe('Bars', () => {
  it('are candles and a table, and each leads to its rows', async () => {
    const screen = await openFilled();

    const chart = screen.element.querySelector('app-candles svg');
    expect(chart?.getAttribute('aria-label')).toBe(
      'Prices of EURUSD: 1 bars of 1h, from 1.5 to 1.625',
    );
    expect(screen.texts('app-candles title')).toEqual([
      '2024-01-02 10:00:00Z: open 1.5, high 2, low 1.25, close 1.625, volume 1500, 12 trades',
    ]);
    expect(screen.texts('app-bars-panel tbody tr')).toEqual([
      '2024-01-02 10:00:00Z 1.5 2 1.25 1.625 1,500 12',
    ]);
    expect(hrefs(screen, 'app-bars-panel tbody a')).toEqual([
      '/trades?event_from=2024-01-02T10:00:00Z&event_to=2024-01-02T11:00:00.000Z&symbol=EURUSD#rows',
    ]);
  });

  it('are as long as is chosen', async () => {
    const screen = await openFilled();
    await choose(screen, 'app-bars-panel select', '5m');

    expect(screen.url).toBe('/trades?interval=5m');
    await screen.answer(`/trades/bars?${TARGET}&symbol=EURUSD&interval=5m`, bars());
  });

  it('say what stands against them beside what is there', async () => {
    const screen = await open();
    await screen.answer('/trades/targets', { items: [sampleTarget()] });
    await screen.answer(`/trades/symbols?${TARGET}`, symbols(samplePrices()));
    await screen.answer(`/trades/bars?${TARGET}&symbol=EURUSD`, sampleProblem(), 503);

    expect(screen.panel('Prices of EURUSD')).toContain(PROBLEM_SAID);
    expect(screen.texts('app-symbols-panel tbody tr').length).toBe(1);
  });
});

describe('Rows', () => {
  it('have all columns of the target, and lead to history, file and run', async () => {
    const screen = await openFilled();

    expect(screen.texts('app-rows-panel th')).toEqual([
      ...['History', 'File', 'Row', 'Run', 'trade_id', 'price'],
    ]);
    expect(screen.texts('app-rows-panel tbody tr')).toEqual(['open fills_2.csv 2 3 A1 1.625']);
    expect(hrefs(screen, 'app-rows-panel tbody a')).toEqual([
      '/trades?file_id=7&row_number=2',
      '/files/7',
      '/runs/3',
    ]);
  });
});

describe('The history of a trade', () => {
  const version = (price: string, changes: Partial<TradeVersion> = {}): TradeVersion => ({
    row: sampleRow({ values: { trade_id: 'A1', price } }),
    is_current: false,
    is_replaced: false,
    changed: [],
    ...changes,
  });

  it('has all versions, what changed in each, and where each came from', async () => {
    const screen = await open('?target=public.fills&file_id=7&row_number=2');
    await screen.answer(`/trades/history?${TARGET}&file_id=7&row_number=2`, {
      identity: ['trade_id'],
      versions: [
        version('1.5', { is_replaced: true }),
        version('1.55'),
        version('1.625', { is_current: true, changed: ['price'] }),
      ],
      is_complete: false,
    });

    const history = 'section[aria-label="History of the trade: 3 versions"]';
    expect(screen.texts(`${history} thead th`)).toEqual([
      ...['Column', 'its file was replaced', 'before', '✓ holds now'],
    ]);
    expect(screen.texts(`${history} td.changed`)).toEqual(['1.625 changed']);
    expect(screen.text(`${history} .badge`)).toBe('there are more');
    expect(hrefs(screen, `${history} tbody tr:first-child td:last-child a`)).toEqual([
      '/files/7',
      '/runs/3',
    ]);
    await screen.click('Close');
    expect(screen.url).toBe('/trades?target=public.fills');
  });

  it('is found by the key', async () => {
    const screen = await openFilled();
    await choose(screen, 'input[type=search]', 'B1');

    expect(screen.url).toBe('/trades?key=B1');
    const problem = sampleProblem({ status: 404, detail: 'no row has the key B1', hint: '' });
    await screen.answer(`/trades/history?${TARGET}&key=B1`, problem, 404);
    expect(screen.panel('History of the trade')).toContain('no row has the key B1');
  });
});

describe('neighbour', () => {
  it.each([
    ['2024-01-02T00:00:00Z', '2024-01-04T00:00:00Z', 1, '2024-01-04', '2024-01-06'],
    [
      '2024-01-02T10:00:00Z',
      '2024-01-02T11:00:00Z',
      -1,
      '2024-01-02T09:00:00.000Z',
      '2024-01-02T10:00:00.000Z',
    ],
  ] as const)('of %s to %s in direction %d', (from, to, direction, event_from, event_to) => {
    expect(neighbour(from, to, direction)).toEqual({ event_from, event_to });
  });
});

describe('rowsOfBar', () => {
  it('ends where the next bar begins', () => {
    expect(rowsOfBar('2024-01-01T00:00:00Z', '1w', undefined)).toEqual({
      event_from: '2024-01-01T00:00:00Z',
      event_to: '2024-01-08T00:00:00.000Z',
      symbol: undefined,
    });
  });
});
