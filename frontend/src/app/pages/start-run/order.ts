import type { PlanRequest, Problem, RunOrder } from '../../api/types.gen';
import { FIELDS, OrderField } from './fields';

/** What was typed, by the names of the fields; a checked box is `true`. */
export type Draft = Readonly<Record<string, string>>;

type Value = string | number | boolean | readonly string[];

const WITHOUT = 'none';

/** The order that a draft means; what is empty is left out. */
export function orderOf(draft: Draft): RunOrder {
  const parts: Record<'order' | 'options' | 'selection', Record<string, Value>> = {
    order: {},
    options: {},
    selection: {},
  };
  for (const field of FIELDS) {
    const value = valueOf(field, draft);
    if (value !== undefined) parts[field.part ?? 'order'][field.name] = value;
  }
  return {
    sources: [],
    ...parts.order,
    ...(isEmpty(parts.options) ? {} : { options: parts.options }),
    ...(isEmpty(parts.selection) ? {} : { selection: parts.selection }),
  };
}

/** The dry run of an order. */
export function planOf(order: RunOrder, limit: number): PlanRequest {
  const { sources, contract, selection, options } = order;
  return {
    sources,
    ...(contract ? { contract } : {}),
    ...(selection ? { selection } : {}),
    ...(options?.on_changed ? { on_changed: options.on_changed } : {}),
    ...(options?.reload ? { reload: true } : {}),
    limit,
  };
}

/** The command line that does the same. */
export function commandOf(draft: Draft): string {
  const sources: string[] = [];
  const flags: string[] = [];
  for (const field of FIELDS) {
    const value = valueOf(field, draft);
    if (value === undefined) continue;
    const texts = (Array.isArray(value) ? value : [value]).map(String);
    if (!field.flag) sources.push(...texts.map(quoted));
    else if (value === true) flags.push(field.flag);
    else for (const text of texts) flags.push(field.flag, quoted(text));
  }
  const dashes = sources.some((source) => source.startsWith('-')) ? ['--'] : [];
  return ['trade-ingest', 'run', ...flags, ...dashes, ...(sources.length ? sources : ['SOURCE'])]
    .join(' ')
    .trim();
}

const FIELD_OF_CODE: readonly (readonly [string, string])[] = [
  ['source.', 'sources'],
  ['store.', 'sources'],
  ['contract.', 'contract'],
];

/** What a problem says against each field, by the names of the fields; `''` has what is against none of them. */
export function mistakes(problem: Problem): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const add = (name: string, text: string): void => {
    found.set(name, [...(found.get(name) ?? []), text]);
  };
  for (const error of problem.errors) {
    const place = error.pointer.split('/').filter(Boolean);
    const field = FIELDS.find((one) => place.includes(one.name));
    const number = Number(place.at(-1));
    const line = field?.kind === 'lines' && Number.isInteger(number) ? `Line ${number + 1}: ` : '';
    add(
      field?.name ?? '',
      line + (field ? plain(field, error.detail) : `${error.pointer}: ${error.detail}`),
    );
  }
  if (!problem.errors.length) {
    const name = FIELD_OF_CODE.find(([code]) => problem.code.startsWith(code))?.[1] ?? '';
    add(name, [problem.detail, problem.hint].filter(Boolean).join('. '));
  }
  return found;
}

/** A pattern tells nobody what to type; the hint does. */
function plain(field: OrderField, detail: string): string {
  return detail.includes('match pattern') && field.hint ? `Expected: ${field.hint}` : detail;
}

function valueOf(field: OrderField, draft: Draft): Value | undefined {
  const text = (draft[field.name] ?? '').trim();
  if (text === '') return undefined;
  switch (field.kind) {
    case 'check':
      return text === 'true' ? true : undefined;
    case 'number':
      return Number(text);
    case 'lines':
      return text
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean);
    default:
      return text === WITHOUT && ['marker', 'manifest'].includes(field.name) ? '' : text;
  }
}

function isEmpty(values: Readonly<Record<string, Value>>): boolean {
  return Object.keys(values).length === 0;
}

/** A word as a POSIX shell takes it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}
