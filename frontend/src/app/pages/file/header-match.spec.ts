import { ContractColumn, HeaderRules, cellsOf, matchHeader } from './header-match';

const column = (name: string, changes: Partial<ContractColumn> = {}): ContractColumn => ({
  name,
  type: 'text',
  source: [name],
  position: null,
  required: true,
  path_group: null,
  constant: null,
  expression: null,
  ...changes,
});

function match(
  header: readonly string[],
  columns: readonly ContractColumn[],
  drift: Partial<HeaderRules['drift']> = {},
): readonly unknown[] {
  const rules: HeaderRules = {
    columns,
    format: { header: true, delimiter: ',', quote: '"', preamble_lines: 0 },
    drift: { unknown_columns: 'fail', missing_optional: 'null', ...drift },
  };
  return matchHeader(header, rules).map((row) => [
    row.column?.name ?? null,
    row.found,
    row.position,
    row.match,
  ]);
}

describe('matchHeader', () => {
  it('says how each column and each name is matched', () => {
    const columns = [
      column('id', { source: ['TradeId', 'Trade Id'] }),
      column('price'),
      column('side', { source: ['Side'] }),
      column('note', { required: false }),
      column('venue'),
      column('day', { source: [], path_group: 'day' }),
    ];

    expect(match(['price', 'extra', 'Trade Id', ' side '], columns)).toEqual([
      ['id', 'Trade Id', 3, 'alias'],
      ['price', 'price', 1, 'matched'],
      ['side', ' side ', 4, 'spelled'],
      ['note', null, null, 'absent'],
      ['venue', null, null, 'missing'],
      ['day', null, null, 'elsewhere'],
      [null, 'extra', 2, 'unknown'],
    ]);
  });

  it('gives a name to the column that has it exactly', () => {
    const columns = [column('ID'), column('id')];

    expect(match(['id', 'Id'], columns)).toEqual([
      ['ID', 'Id', 2, 'spelled'],
      ['id', 'id', 1, 'matched'],
    ]);
  });

  it('follows the drift policy of the contract', () => {
    const columns = [column('note', { required: false })];

    expect(
      match(['extra'], columns, { unknown_columns: 'ignore', missing_optional: 'fail' }),
    ).toEqual([
      ['note', null, null, 'missing'],
      [null, 'extra', 1, 'ignored'],
    ]);
  });
});

describe('cellsOf', () => {
  it('cuts a line at the delimiters outside of quotes', () => {
    expect(cellsOf('a,"b,""c""",,d', ',', '"')).toEqual(['a', 'b,"c"', '', 'd']);
    expect(cellsOf('a||"b', '||', null)).toEqual(['a', '"b']);
  });
});
