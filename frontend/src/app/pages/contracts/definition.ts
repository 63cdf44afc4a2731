import type { ContractDetail } from '../../api/types.gen';

/** A column of a contract, as docs/contract.schema.json describes it. */
interface Column {
  readonly name: string;
  readonly type: string;
  readonly source: readonly string[];
  readonly position: number | null;
  readonly path_group: string | null;
  readonly constant: string | null;
  readonly expression: string | null;
  readonly required: boolean;
  readonly description: string;
  readonly values: readonly string[];
  readonly format: string | null;
  readonly epoch: string | null;
  readonly zone: string | null;
  readonly min: string | number | null;
  readonly max: string | number | null;
  readonly greater_than: string | number | null;
  readonly less_than: string | number | null;
  readonly max_length: number | null;
  readonly regex: string | null;
  readonly check: string | null;
}

interface RowRule {
  readonly name: string;
  readonly expression: string;
}

interface Definition {
  readonly columns: readonly Column[];
  readonly rules: readonly RowRule[];
  readonly key: readonly string[];
  readonly event_time: string;
  readonly format: Readonly<Record<string, unknown>>;
  readonly rejects: Readonly<Record<string, unknown>>;
  readonly drift: Readonly<Record<string, unknown>>;
  readonly on_changed: string;
  readonly control_totals: readonly string[];
  readonly description: string;
}

/** A column as a line of a table. */
export interface ColumnLine {
  readonly name: string;
  readonly type: string;
  readonly from: string;
  readonly isRequired: boolean;
  readonly rules: string;
  readonly description: string;
}

/** The definition with its types: the API gives it as the contract's model writes it. */
export function definitionOf(detail: ContractDetail): Definition {
  return detail.definition as unknown as Definition;
}

/** The columns of a contract, what they come from and what they must be, in words. */
export function columnLines(definition: Definition): readonly ColumnLine[] {
  return definition.columns.map((column) => ({
    name: column.name,
    type: column.type,
    from: origin(column),
    isRequired: column.required,
    rules: rules(column),
    description: column.description,
  }));
}

/** Settings that are set, as words. */
export function facts(settings: Readonly<Record<string, unknown>>): readonly [string, string][] {
  return Object.entries(settings)
    .filter(([, value]) => value !== null && value !== false && value !== '')
    .map(([name, value]) => [name, value === true ? 'yes' : said(value)]);
}

function said(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return Array.isArray(value) ? value.map(said).join(' or ') : String(value);
}

function origin(column: Column): string {
  if (column.expression !== null) return column.expression;
  if (column.constant !== null) return `always ${JSON.stringify(column.constant)}`;
  if (column.path_group !== null) return `${column.path_group} in the file's path`;
  if (column.position !== null) return `field ${column.position}`;
  return column.source.length ? column.source.join(' or ') : column.name;
}

function rules(column: Column): string {
  const bounds: readonly (readonly [string, unknown])[] = [
    ['≥', column.min],
    ['>', column.greater_than],
    ['≤', column.max],
    ['<', column.less_than],
    ['at most this long:', column.max_length],
    ['like', column.regex],
    ['as', column.format],
    ['since 1970 in', column.epoch],
    ['zone', column.zone],
    ['check', column.check],
  ];
  const said = bounds
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${String(value)}`);
  if (column.values.length) said.push(`one of ${column.values.join(', ')}`);
  return said.join(', ');
}
