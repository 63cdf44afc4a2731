import { sampleDetail } from '../../testing/files';
import { grouped, subtract } from './decimals';
import { compare, headerChanges } from './delivery';
import { factsOf } from './file-events';

describe('decimals', () => {
  it('subtracts exactly', () => {
    expect(subtract('10.50', '0.5')).toBe('10');
    expect(subtract('0.1', '0.3')).toBe('-0.2');
    expect(subtract('12345678901234567890.0000000001', '1')).toBe(
      '12345678901234567889.0000000001',
    );
    expect(subtract('-5', '-5.000')).toBe('0');
    expect(subtract('2.5000000000', '0E-10')).toBe('2.5');
    expect(subtract('1E-10', '-1.5E-8')).toBe('0.0000000151');
  });

  it('groups digits', () => {
    expect(grouped('1234567.5000')).toBe('1,234,567.5');
    expect(grouped('-1234.00')).toBe('-1,234');
    expect(grouped('0.001')).toBe('0.001');
    expect(grouped('0E-10')).toBe('0');
    expect(grouped('-1.2E+3')).toBe('-1,200');
  });
});

describe('compare', () => {
  it('says what has changed between two deliveries', () => {
    const before = sampleDetail({}, { control_totals: { price: '1.50', quantity: '3' } });
    const now = sampleDetail(
      {
        size_bytes: 1024,
        rows_read: 1005,
        rows_rejected: 0,
        event_time_max: '2024-01-11T00:00:00Z',
      },
      { control_totals: { price: '1.25' } },
    );

    expect(compare(before, now).map(({ name, change }) => [name, change])).toEqual([
      ['Size', '−1 KiB'],
      ['Rows read', '+5'],
      ['Loaded', ''],
      ['Duplicate', ''],
      ['Rejected', '−6'],
      ['Sum of price', '−0.25'],
      ['Sum of quantity', 'only one has it'],
      ['First event', ''],
      ['Last event', 'later'],
    ]);
  });
});

describe('headerChanges', () => {
  it('says what is new, what is gone, and what has moved', () => {
    expect(headerChanges(['a', 'b'], ['b', 'c'])).toEqual(['c is new', 'a is gone']);
    expect(headerChanges(['a', 'b'], ['b', 'a'])).toEqual(['the columns are in another order']);
    expect(headerChanges(['a'], ['a'])).toEqual([]);
    expect(headerChanges(null, ['a'])).toEqual([]);
  });
});

describe('factsOf', () => {
  it('reads the details of an event with their units', () => {
    expect(
      factsOf({
        uri: 'left out',
        rows_read: 2485,
        size_bytes: 2048,
        duration_seconds: 0.136,
        reason: 'file.header',
        error: { code: 'file.header', message: 'long' },
        missing: null,
      }),
    ).toBe('rows read 2,485, size 2 KiB, duration 136 ms, reason file.header, error file.header');
  });
});
