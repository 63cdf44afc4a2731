import type { Freshness } from '../../api/types.gen';
import { dayAfter } from './days';

type Feed = Pick<Freshness, 'target' | 'contract'>;
type Query = Readonly<Record<string, string>>;

/** What the list of files is to show: the loaded files of a feed with events on some days, both included. */
export function filesOfDays({ target, contract }: Feed, first: string, last: string): Query {
  return { target, contract, state: 'loaded', event_from: first, event_to: dayAfter(last, 1) };
}

/** What the list of files is to show: the files of a feed that may have the days that it lacks. */
export function filesOnTheWay({ target, contract }: Feed): Query {
  return { target, contract, state: 'pending,failed,skipped,rolled_back' };
}
