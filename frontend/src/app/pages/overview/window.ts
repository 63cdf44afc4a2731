/** A length of time that figures are of. */
export interface Span {
  readonly name: string;
  readonly label: string;
  readonly seconds: number;
  readonly bucket: 'minute' | 'hour' | 'day' | 'week';
}

const HOUR = 3600;
const DAY = 24 * HOUR;

export const WINDOWS: Readonly<Record<string, Span>> = {
  '1h': { name: '1h', label: 'hour', seconds: HOUR, bucket: 'minute' },
  '24h': { name: '24h', label: '24 hours', seconds: DAY, bucket: 'hour' },
  '7d': { name: '7d', label: '7 days', seconds: 7 * DAY, bucket: 'hour' },
  '30d': { name: '30d', label: '30 days', seconds: 30 * DAY, bucket: 'day' },
  '1y': { name: '1y', label: 'year', seconds: 365 * DAY, bucket: 'week' },
};

const USUAL: Span = { name: '24h', label: '24 hours', seconds: DAY, bucket: 'hour' };

/** The span of that name; 24 hours where there is none. */
export function spanOf(name: string | undefined): Span {
  return (name ? WINDOWS[name] : undefined) ?? USUAL;
}
