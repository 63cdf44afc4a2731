import type { Bars } from '../../api/types.gen';

/** The length of a bar, in seconds. */
export const SECONDS: Readonly<Record<Bars['interval'], number>> = {
  '1s': 1,
  '5s': 5,
  '15s': 15,
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3600,
  '4h': 14_400,
  '1d': 86_400,
  '1w': 604_800,
};

/** The address of the rows that a bar is made of, as query parameters of the screen. */
export function rowsOfBar(
  at: string,
  interval: Bars['interval'],
  symbol: string | undefined,
): Record<string, string | undefined> {
  const end = new Date(Date.parse(at) + SECONDS[interval] * 1000).toISOString();
  return { event_from: at, event_to: end, symbol };
}
