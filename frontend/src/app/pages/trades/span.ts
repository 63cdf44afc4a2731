const DAY_MS = 86_400_000;

/** The span of the same length before or after one, as query parameters. */
export function neighbour(
  event_from: string,
  event_to: string,
  direction: -1 | 1,
): { event_from: string; event_to: string } {
  const length = Date.parse(event_to) - Date.parse(event_from);
  return {
    event_from: written(Date.parse(event_from) + direction * length),
    event_to: written(Date.parse(event_to) + direction * length),
  };
}

/** Midnight UTC as its date, other moments in full. */
function written(at: number): string {
  const text = new Date(at).toISOString();
  return at % DAY_MS === 0 ? text.slice(0, 10) : text;
}
