import { faultsOf, piecesOf } from './marked';

describe('piecesOf', () => {
  it('cuts a line at its marks, empty cells too', () => {
    const marks = [
      { start: 6, end: 6 },
      { start: 3, end: 5 },
    ];

    expect(piecesOf('ab,cd,,ef', marks)).toEqual([
      { text: 'ab,', isBad: false },
      { text: 'cd', isBad: true },
      { text: ',', isBad: false },
      { text: '', isBad: true },
      { text: ',ef', isBad: false },
    ]);
    expect(piecesOf('ab,cd,,ef', [])).toEqual([{ text: 'ab,cd,,ef', isBad: false }]);
  });

  it('says what is wrong', () => {
    const reasons = [
      { code: 'failed_check', column: 'side', value: 'X' },
      { code: 'field_count', column: null, value: null },
    ];

    expect(faultsOf(reasons)).toBe('side: failed check (X); field count');
  });
});
