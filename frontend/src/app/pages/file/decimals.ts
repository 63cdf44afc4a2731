/** The difference of two decimal texts, exactly: 10.50 and 0.5 → 10. */
export function subtract(minuend: string, subtrahend: string): string {
  const [from, what] = [plain(minuend), plain(subtrahend)];
  const places = Math.max(placesOf(from), placesOf(what));
  return decimal(scaled(from, places) - scaled(what, places), places);
}

/** A decimal text as it is read: 1234.5000 → 1,234.5. */
export function grouped(value: string): string {
  const [whole = '', fraction = ''] = plain(value).split('.');
  const digits = fraction.replace(/0+$/, '');
  const sign = whole.startsWith('-') ? '-' : '';
  const text = whole.replace('-', '').replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign}${text}${digits ? `.${digits}` : ''}`;
}

/** Without an exponent, which small numbers have in the ledger: 0E-10 → 0, 1.5E-8 → 0.000000015. */
function plain(value: string): string {
  const [mantissa = '', exponent] = value.split(/e/i);
  if (exponent === undefined) return value;
  const digits = mantissa.replace('.', '');
  const places = placesOf(mantissa) - Number(exponent);
  return places > 0 ? decimal(BigInt(digits), places) : digits + '0'.repeat(-places);
}

function placesOf(value: string): number {
  const point = value.indexOf('.');
  return point < 0 ? 0 : value.length - point - 1;
}

function scaled(value: string, places: number): bigint {
  return BigInt(value.replace('.', '') + '0'.repeat(places - placesOf(value)));
}

function decimal(value: bigint, places: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '');
  return `${sign}${whole}${fraction ? `.${fraction}` : ''}`;
}
