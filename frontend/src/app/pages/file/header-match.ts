import type { ContractDetail } from '../../api/types.gen';

/** A column of a contract, as far as a header is concerned. */
export interface ContractColumn {
  readonly name: string;
  readonly type: string;
  readonly source: readonly string[];
  readonly position: number | null;
  readonly required: boolean;
  readonly path_group: string | null;
  readonly constant: string | null;
  readonly expression: string | null;
}

/** What the definition of a contract says of headers. */
export interface HeaderRules {
  readonly columns: readonly ContractColumn[];
  readonly format: {
    readonly header: boolean;
    readonly delimiter: string;
    readonly quote: string | null;
    readonly preamble_lines: number;
  };
  readonly drift: {
    readonly unknown_columns: 'fail' | 'ignore';
    readonly missing_optional: 'fail' | 'null';
  };
}

/**
 * `alias`: under another of its names. `spelled`: but for case or blanks. `absent`: missing, and the contract allows it.
 * `elsewhere`: its values do not come from the file's fields.
 */
export type Match =
  'matched' | 'alias' | 'spelled' | 'missing' | 'absent' | 'unknown' | 'ignored' | 'elsewhere';

export interface HeaderRow {
  /** The column of the contract; null: the contract does not know the name. */
  readonly column: ContractColumn | null;
  readonly wanted: readonly string[];
  /** The name in the header. */
  readonly found: string | null;
  /** Where it is in the header, from 1. */
  readonly position: number | null;
  readonly match: Match;
}

export function rulesOf(contract: ContractDetail): HeaderRules {
  return contract.definition as unknown as HeaderRules;
}

/** Match a header with a contract as a load does: exactly, then without regard to case and surrounding blanks. */
export function matchHeader(header: readonly string[], rules: HeaderRules): readonly HeaderRow[] {
  const taken = new Map<ContractColumn, number>();
  const columns = rules.columns.filter(isFromFile);
  for (const fold of [(name: string) => name, folded]) {
    for (const column of columns) {
      if (taken.has(column)) continue;
      const index = indexOf(header, namesOf(column), fold, new Set(taken.values()));
      if (index !== undefined) taken.set(column, index);
    }
  }
  const used = new Set(taken.values());
  return [
    ...rules.columns.map((column) => rowOf(column, header, taken.get(column), rules)),
    ...header.flatMap((found, index) => (used.has(index) ? [] : [unknown(found, index, rules)])),
  ];
}

function indexOf(
  header: readonly string[],
  names: readonly string[],
  fold: (name: string) => string,
  taken: ReadonlySet<number>,
): number | undefined {
  for (const name of names) {
    const index = header.findIndex((found, at) => !taken.has(at) && fold(found) === fold(name));
    if (index >= 0) return index;
  }
  return undefined;
}

function rowOf(
  column: ContractColumn,
  header: readonly string[],
  index: number | undefined,
  rules: HeaderRules,
): HeaderRow {
  const wanted = isFromFile(column) ? namesOf(column) : [];
  const found = index === undefined ? null : (header[index] ?? null);
  const position = index === undefined ? null : index + 1;
  return { column, wanted, found, position, match: matchOf(column, wanted, found, rules) };
}

function matchOf(
  column: ContractColumn,
  wanted: readonly string[],
  found: string | null,
  rules: HeaderRules,
): Match {
  if (!isFromFile(column)) return 'elsewhere';
  if (found !== null) {
    return found === wanted[0] ? 'matched' : wanted.includes(found) ? 'alias' : 'spelled';
  }
  return column.required || rules.drift.missing_optional === 'fail' ? 'missing' : 'absent';
}

function unknown(found: string, index: number, rules: HeaderRules): HeaderRow {
  const match = rules.drift.unknown_columns === 'fail' ? 'unknown' : 'ignored';
  return { column: null, wanted: [], found, position: index + 1, match };
}

function isFromFile(column: ContractColumn): boolean {
  return column.path_group === null && column.constant === null && column.expression === null;
}

function namesOf(column: ContractColumn): readonly string[] {
  return column.source.length ? column.source : [column.name];
}

function folded(name: string): string {
  return name.trim().toLowerCase();
}

/** The cells of one line of text. */
export function cellsOf(line: string, delimiter: string, quote: string | null): readonly string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (quote && character === quote) {
      const isDoubled = isQuoted && line.charAt(at + 1) === quote;
      if (isDoubled) cell += quote;
      else isQuoted = !isQuoted;
      at += isDoubled ? 1 : 0;
    } else if (!isQuoted && line.startsWith(delimiter, at)) {
      cells.push(cell);
      cell = '';
      at += delimiter.length - 1;
    } else {
      cell += character;
    }
  }
  return [...cells, cell];
}
