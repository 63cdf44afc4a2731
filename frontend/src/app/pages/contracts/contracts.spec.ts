import type { CheckedReject, Contract, ContractDetail, SampleCheck } from '../../api/types.gen';
import { PROBLEM_SAID, sampleProblem } from '../../testing/problem';
import { Screen, openScreen } from '../../testing/screen';
import ContractPage from './contract';
import Contracts from './contracts';
import { SAMPLE_BYTES, WHOLE_BYTES, sampleOf } from './sample';

const sampleContract = (name: string, changes: Partial<Contract> = {}): Contract => ({
  name,
  version: 1,
  description: 'Trades of a venue.',
  target: 'public.trade_print',
  key: ['trade_id'],
  event_time: 'executed_at',
  columns: 5,
  origin: 'builtin',
  ...changes,
});
const LIST = { items: [sampleContract('first'), sampleContract('second', { key: [] })] };

function hrefs(screen: Screen, selector: string): (string | null)[] {
  return [...screen.element.querySelectorAll(selector)].map((link) => link.getAttribute('href'));
}

async function open(query = ''): Promise<Screen> {
  const screen = await openScreen(Contracts, 'contracts', `/contracts${query}`, 'read');
  await screen.answer('/contracts', LIST);
  return screen;
}

describe('Contracts', () => {
  it('waits', async () => {
    const screen = await openScreen(Contracts, 'contracts', '/contracts');

    expect(screen.panel('Contracts that can be named')).toContain('Loading');
    expect(screen.texts('app-check-file')).toEqual([]);
  });

  it('lists what can be named, and leads to each and to its files', async () => {
    const screen = await open();

    expect(screen.texts('app-panel tbody tr')).toEqual([
      'first 1 public.trade_print trade_id executed_at 5 built in Trades of a venue. files',
      'second 1 public.trade_print – executed_at 5 built in Trades of a venue. files',
    ]);
    expect(hrefs(screen, 'tbody tr:first-child a')).toEqual([
      '/contracts/first',
      '/files?contract=first',
    ]);
  });

  it('says what to run where there is none', async () => {
    const screen = await openScreen(Contracts, 'contracts', '/contracts');
    await screen.answer('/contracts', { items: [] });

    expect(screen.text('.empty app-copy')).toBe('trade-ingest infer FILE Copy');
  });

  it('says what stands against it, and tries again', async () => {
    const screen = await openScreen(Contracts, 'contracts', '/contracts');
    await screen.answer('/contracts', sampleProblem(), 503);
    expect(screen.panel('Contracts that can be named')).toContain(PROBLEM_SAID);

    await screen.click('Try again');
    await screen.answer('/contracts', LIST);
    expect(screen.texts('tbody tr').length).toBe(2);
  });
});

describe('A file that is tried', () => {
  const BAD: CheckedReject = {
    row_number: 2,
    byte_offset: 10,
    raw_text: 'A1,abc',
    reasons: [{ code: 'invalid_decimal', column: 'price', value: 'abc' }],
    marks: [{ start: 3, end: 6 }],
  };
  const check = (contract: string, changes: Partial<SampleCheck['check']>): SampleCheck => ({
    contract,
    fitting: [],
    check: {
      uri: 'day.csv',
      size_bytes: 20,
      rows_read: 3,
      rows_accepted: 3,
      rows_rejected: 0,
      passes: true,
      reasons: [],
      rejects: [],
      error: null,
      ...changes,
    },
  });
  const NO_FIT = check('first', {
    passes: false,
    rows_read: 0,
    rows_accepted: 0,
    error: { code: 'file.header', message: 'price is missing', hint: 'add it to the contract' },
  });
  const FIT = check('second', {
    passes: false,
    rows_accepted: 2,
    rows_rejected: 1,
    reasons: [{ reason: 'invalid_decimal', column: 'price', rows: 1 }],
    rejects: [BAD],
  });

  async function drop(screen: Screen, file: File): Promise<void> {
    const place = screen.element.querySelector('.drop');
    const dropped = new Event('drop', { cancelable: true });
    Object.defineProperty(dropped, 'dataTransfer', { value: { files: [file] } });
    place?.dispatchEvent(dropped);
    expect(dropped.defaultPrevented).toBe(true);
    await screen.settle();
    await screen.settle();
  }

  /** Answer the one check that is asked for; what was sent. */
  async function answer(screen: Screen, answer: object, status = 200): Promise<FormData> {
    const request = screen.http.expectOne('/api/v1/contracts/check');
    request.flush(answer, { status, statusText: String(status) });
    await screen.settle();
    return request.request.body as FormData;
  }

  it('is sent against one contract after the other; the one that fits best comes first', async () => {
    const screen = await open();
    await drop(screen, new File(['a,b\n1,2\n'], 'day.csv'));
    expect(screen.text('app-check-file [role=status]')).toBe('Checking day.csv…');

    const sent = await answer(screen, NO_FIT);
    expect([sent.get('contract'), sent.get('limit')]).toEqual(['first', '20']);
    expect((sent.get('file') as File).name).toBe('day.csv');
    expect((await answer(screen, FIT)).get('contract')).toBe('second');

    expect(screen.texts('app-check-result tbody tr')).toEqual([
      'second ✕ no 3 2 1 –',
      'first ✕ no 0 0 0 price is missing',
    ]);
    expect(screen.text('app-check-result h3')).toBe('By second');
    expect(screen.texts('app-check-result li')).toEqual(['1 × invalid decimal in price']);
    expect(screen.text('app-check-result .fault')).toBe('✕ Row 2: price: invalid decimal (abc)');
    expect(screen.texts('app-check-result mark')).toEqual(['abc']);
  });

  it('shows of another contract why it does not fit', async () => {
    const screen = await open();
    await drop(screen, new File(['a,b\n'], 'day.csv'));
    await answer(screen, NO_FIT);
    await answer(screen, FIT);
    await screen.click('first');

    expect(screen.text('app-check-result h3')).toBe('By first');
    expect(screen.text('app-check-result app-hint')).toBe('add it to the contract');
  });

  it('says when all of it would be loaded', async () => {
    const screen = await open('?contract=second');
    await drop(screen, new File(['a,b\n'], 'day.csv'));
    await answer(screen, check('second', {}));

    expect(screen.texts('app-check-result tbody tr')).toEqual(['second ✓ yes 3 3 0 –']);
    expect(screen.text('app-check-result .good:not(span)')).toBe('✓ No row would be rejected.');
    screen.http.expectNone('/api/v1/contracts/check');
  });

  it('keeps what was found when the server stops answering, and tries again', async () => {
    const screen = await open();
    await drop(screen, new File(['a,b\n'], 'day.csv'));
    await answer(screen, NO_FIT);
    await answer(screen, sampleProblem(), 503);

    expect(screen.text('app-check-file app-problem')).toBe(PROBLEM_SAID);
    expect(screen.texts('app-check-result tbody tr').length).toBe(1);
    await screen.click('Try again');
    await screen.settle();
    await answer(screen, NO_FIT);
    await answer(screen, FIT);
    expect(screen.texts('app-check-result tbody tr').length).toBe(2);
  });

  it('gives its place to a file that comes meanwhile', async () => {
    const screen = await open('?contract=second');
    await drop(screen, new File(['a,b\n'], 'first.csv'));
    const before = screen.http.expectOne('/api/v1/contracts/check');
    await drop(screen, new File(['a,b\n'], 'other.csv'));
    before.flush(NO_FIT);
    await screen.settle();
    expect(screen.texts('app-check-result')).toEqual([]);

    const sent = await answer(screen, FIT);
    expect((sent.get('file') as File).name).toBe('other.csv');
  });
});

describe('sampleOf', () => {
  it('takes of a large file its first whole lines', async () => {
    const line = `${'x'.repeat(99)}\n`;
    const sample = await sampleOf(new File([line.repeat(20_000)], 'large.csv'));

    expect(sample.isPart).toBe(true);
    expect(sample.body.size).toBe(Math.floor(SAMPLE_BYTES / 100) * 100);
  });

  it('takes a compressed file whole, or says that it is too large', async () => {
    const head = new Uint8Array([0x1f, 0x8b]);
    const small = new File([head, new Uint8Array(SAMPLE_BYTES)], 'a.csv.gz');
    expect(await sampleOf(small)).toEqual({ name: 'a.csv.gz', body: small, isPart: false });

    const large = new File([head, new Uint8Array(WHOLE_BYTES)], 'b.csv.gz');
    await expect(sampleOf(large)).rejects.toThrow(
      'b.csv.gz is compressed and has more than 16 MiB',
    );
  });

  it('says that an empty file is empty', async () => {
    await expect(sampleOf(new File([], 'c.csv'))).rejects.toThrow('c.csv is empty.');
  });
});

describe('A contract', () => {
  const COLUMN = {
    ...{ source: [], position: null, path_group: null, constant: null, expression: null },
    ...{ required: true, description: '', values: [], format: null, epoch: null, zone: null },
    ...{ min: null, max: null, greater_than: null, less_than: null, max_length: null },
    ...{ regex: null, check: null },
  };
  const DETAIL: ContractDetail = {
    name: 'fills',
    version: 2,
    target: 'public.fills',
    origin: 'configured',
    text: 'name: fills\n',
    definition: {
      columns: [
        { ...COLUMN, name: 'price', type: 'decimal', source: ['Px', 'Price'], greater_than: 0 },
        { ...COLUMN, name: 'venue', type: 'text', constant: 'X', required: false },
      ],
      rules: [{ name: 'sides', expression: 'bid <= ask' }],
      key: ['trade_id'],
      event_time: 'executed_at',
      format: { header: true, delimiter: ',', quote: null },
      rejects: { max_count: 10 },
      drift: {},
      on_changed: 'replace',
      control_totals: ['price'],
      description: 'Fills of the desk.',
    },
    used: [{ contract_id: 4, version: 2, fingerprint: 'ab12', created_at: '2024-01-02T00:00:00Z' }],
  };

  it('shows its columns, and leads to what was loaded and rejected by it', async () => {
    const screen = await openScreen(ContractPage, 'contracts/:name', '/contracts/fills');
    expect(screen.panel('In short')).toContain('Loading');
    await screen.answer('/contracts/fills', DETAIL);

    expect(screen.panel('In short')).toContain('2, the one that this server is set up with');
    expect(screen.texts('section[aria-label=Columns] tbody tr')).toEqual([
      'price decimal Px or Price yes &gt; 0 –',
      'venue text always "X" no – –',
    ]);
    expect(hrefs(screen, 'section[aria-label="In short"] a')).toEqual([
      '/trades?target=public.fills',
      '/files?contract=fills',
      '/runs?contract=fills',
      '/rejects?contract=fills',
    ]);
    expect(hrefs(screen, 'section[aria-label=Columns] tbody tr:first-child a')).toEqual([
      '/rejects?contract=fills&column=price',
    ]);
    expect(screen.panel('Format')).toBe('Format header yes delimiter ","');
    expect(screen.text('section[aria-label="As it is written"] code')).toBe('name: fills');
    expect(screen.panel('Versions that were used')).toContain('2 2024-01-02 00:00:00Z ab12');
  });

  it('says what stands against it', async () => {
    const screen = await openScreen(ContractPage, 'contracts/:name', '/contracts/none');
    const problem = sampleProblem({ status: 404, detail: 'there is no contract none' });
    await screen.answer('/contracts/none', problem, 404);

    expect(screen.panel('In short')).toContain('there is no contract none');
  });
});
