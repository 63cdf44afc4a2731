import type { DiscardIn, ListAllRejectsData, ReplayIn } from '../../api/types.gen';
import { EVER_REJECTED } from '../../core/outcomes';
import { Filter } from '../../ui/filters';

/** Which rejects the screen is about: all of it is in the address. */
export interface Wanted {
  readonly contract: string | undefined;
  readonly reason: string | undefined;
  readonly column: string | undefined;
  readonly file_id: string | undefined;
  readonly run_id: string | undefined;
  /** Found by runs of the last so many days. */
  readonly days: string | undefined;
}

/** So many days are summed up where the address does not say it. */
export const USUAL_DAYS = '30';

type Parameter = keyof NonNullable<ListAllRejectsData['query']>;

export const FILTERS: readonly (Filter & { readonly name: Parameter })[] = [
  { name: 'contract', label: 'Contract', kind: 'text' },
  { name: 'reason', label: 'Reason', kind: 'text' },
  { name: 'column', label: 'Column', kind: 'text' },
  { name: 'file_id', label: 'File', kind: 'number' },
  { name: 'run_id', label: 'Run', kind: 'number' },
  { name: 'days', label: 'Last days', kind: 'number' },
  {
    name: 'state',
    label: 'State',
    kind: 'choice',
    unset: 'open',
    options: EVER_REJECTED,
    isMany: true,
  },
];

/** The same rejects, as the commands take them; undefined where nothing narrows them. */
export function meant(wanted: Wanted): (ReplayIn & Omit<DiscardIn, 'why'>) | undefined {
  const { contract, reason, column, file_id, run_id, days } = wanted;
  const body = {
    ...(contract && { contract }),
    ...(reason && { reason }),
    ...(column && { column }),
    ...(file_id && { file_ids: [Number(file_id)] }),
    ...(run_id && { run_id: Number(run_id) }),
  };
  return Object.keys(body).length ? { ...body, ...(days && { days: Number(days) }) } : undefined;
}
