import type { LedgerEvent } from '../../api/types.gen';
import { sampleDetail, sampleFailure, sampleRun } from '../../testing/runs';
import { Screen, openScreen } from '../../testing/screen';
import Compare from './compare';

const LEFT = sampleDetail(sampleRun({ run_id: 3 }));
const RIGHT = sampleDetail(
  sampleRun({
    run_id: 4,
    duration_seconds: 25,
    rows_per_second: 40,
    files_loaded: 3,
    files_failed: 1,
    state: 'failed',
  }),
  { options: { engine: 'local', on_changed: 'skip', reload: true }, stage_seconds: { copy: 6 } },
);

const failures = (...items: LedgerEvent[]): object => ({ items, next_cursor: null });
const events = (id: number): string => `/runs/${id}/events?kind=file_failed&limit=500`;

async function open(query = ''): Promise<Screen> {
  const screen = await openScreen(Compare, 'runs/compare', `/runs/compare?left=3&right=4${query}`);
  await screen.answer('/runs/3', LEFT);
  await screen.answer('/runs/4', RIGHT);
  await screen.answer(events(3), failures(sampleFailure('b.csv', 'file.header')));
  await screen.answer(
    events(4),
    failures(sampleFailure('a.csv', 'file.corrupt', 8), sampleFailure('b.csv', 'file.header')),
  );
  return screen;
}

const lines = (screen: Screen, label: string): readonly string[] =>
  screen.texts(`[role="region"][aria-label="${label}, side by side"] tbody tr`);

describe('Compare', () => {
  it('shows what two runs were started with, and marks what differs', async () => {
    const screen = await open();

    expect(lines(screen, 'What they were started with')).toEqual([
      'engine local local',
      'on_changed ≠ differs – skip',
      'reload ≠ differs – true',
    ]);
    expect(lines(screen, 'What they were').filter((line) => line.includes('≠'))).toEqual([
      'state ≠ differs succeeded failed',
    ]);
  });

  it('shows what they did with the differences', async () => {
    const screen = await open();

    expect(lines(screen, 'What they did')).toEqual([
      'duration ≠ differs 10 s 25 s +15 s (+150%)',
      'speed ≠ differs 100 rows/s 40 rows/s −60 rows/s (−60%)',
      'files planned 4 4 =',
      'files loaded ≠ differs 4 3 −1 (−25%)',
      'files failed ≠ differs 0 1 +1',
      'files skipped 2 2 =',
      'rows read 1,000 1,000 =',
      'rows loaded 990 990 =',
      'rows duplicate 4 4 =',
      'rows rejected 6 6 =',
      'bytes read 2 KiB 2 KiB =',
      'rejects open 6 6 =',
    ]);
    expect(lines(screen, 'Time by stage')).toEqual([
      'copy ≠ differs 4.0 s 6.0 s +2.0 s (+50%)',
      'parse ≠ differs 1.0 s 0 ms −1.0 s (−100%)',
    ]);
  });

  it('shows the files that failed, those of both runs first', async () => {
    const screen = await open();

    expect(lines(screen, 'Files that failed')).toEqual([
      'b.csv ✕ file.header ✕ file.header',
      'a.csv did not fail ✕ file.corrupt',
    ]);
  });

  it('leaves out what is the same when the address says so', async () => {
    const screen = await open('&brief=1');

    expect(lines(screen, 'What they did').length).toBe(4);
    expect(lines(screen, 'What they were started with').length).toBe(2);
  });

  it('keeps the runs in the address', async () => {
    const screen = await open();
    await screen.click('⇄ Swap');

    expect(screen.url).toBe('/runs/compare?left=4&right=3');
  });

  it('says which runs it wants', async () => {
    const screen = await openScreen(Compare, 'runs/compare', '/runs/compare?left=x');

    expect(screen.text('app-panel')).toBe('Say two runs, or select them in the list of runs .');
    screen.http.verify();
  });
});
