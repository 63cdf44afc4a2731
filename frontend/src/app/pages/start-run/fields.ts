/** A field of the form: where its value goes, and how it is said on the command line. */
export interface OrderField {
  /** Its name in the API. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** `lines`: several values, one on each line. */
  readonly kind: 'text' | 'lines' | 'number' | 'date' | 'choice' | 'check';
  /** The part of the order that has it; none: the order itself. */
  readonly part?: 'options' | 'selection';
  /** Of the command line; none: an argument. */
  readonly flag?: string;
  readonly options?: readonly string[];
  /** What the empty choice means. */
  readonly empty?: string;
  readonly placeholder?: string;
}

const AS_CONTRACT = 'as the contract says';

/** What is asked for first. */
export const BASIC: readonly OrderField[] = [
  {
    name: 'sources',
    label: 'Sources',
    kind: 'lines',
    hint: 'Files, folders or patterns, one on each line.',
    placeholder: 's3://deliveries/trades/2024-*.csv.gz',
  },
  {
    name: 'contract',
    label: 'Contract',
    kind: 'choice',
    flag: '--contract',
    empty: 'as the server is set up',
  },
  {
    name: 'on_changed',
    label: 'Loaded files that have changed',
    kind: 'choice',
    part: 'options',
    flag: '--on-changed',
    options: ['replace', 'skip', 'append', 'fail'],
    empty: AS_CONTRACT,
  },
  {
    name: 'date_from',
    label: 'From',
    kind: 'date',
    part: 'selection',
    flag: '--from',
    hint: 'Where a source has {date:…}.',
  },
  {
    name: 'date_to',
    label: 'Up to',
    kind: 'date',
    part: 'selection',
    flag: '--to',
    hint: 'All of that day.',
  },
  {
    name: 'max_rejects',
    label: 'Rejects that a file may have',
    kind: 'text',
    part: 'options',
    flag: '--max-rejects',
    hint: '10, 1% or 10,1%; empty: as the contract says.',
  },
];

/** The rest. */
export const MORE: readonly OrderField[] = [
  {
    name: 'include',
    label: 'Only files that fit',
    kind: 'lines',
    part: 'selection',
    flag: '--include',
    hint: 'Patterns, one on each line.',
  },
  {
    name: 'exclude',
    label: 'No files that fit',
    kind: 'lines',
    part: 'selection',
    flag: '--exclude',
    hint: 'Patterns, one on each line.',
  },
  {
    name: 'engine',
    label: 'Engine',
    kind: 'choice',
    part: 'options',
    flag: '--engine',
    options: ['auto', 'local', 'spark'],
    empty: 'as the server is set up',
  },
  {
    name: 'parallelism',
    label: 'Files loaded at once',
    kind: 'number',
    part: 'options',
    flag: '--parallelism',
    hint: '1 to 1024; empty: as the server is set up.',
  },
  {
    name: 'settle_seconds',
    label: 'Leave files younger than',
    kind: 'number',
    part: 'selection',
    flag: '--settle',
    hint: 'Seconds; empty: as the contract says.',
  },
  {
    name: 'checksum',
    label: 'Checksum files',
    kind: 'choice',
    part: 'selection',
    flag: '--checksum',
    options: ['auto', 'required', 'off'],
    empty: AS_CONTRACT,
  },
  {
    name: 'marker',
    label: 'Only files with this file beside them',
    kind: 'text',
    part: 'selection',
    flag: '--marker',
    hint: '_SUCCESS or {name}.done; empty: as the contract says; "none": without.',
  },
  {
    name: 'manifest',
    label: 'Only files that this file lists',
    kind: 'text',
    part: 'selection',
    flag: '--manifest',
    hint: 'Empty: as the contract says; "none": without.',
  },
  {
    name: 'reload',
    label: 'Load rolled-back files again',
    kind: 'check',
    part: 'options',
    flag: '--reload',
  },
];

export const FIELDS: readonly OrderField[] = [...BASIC, ...MORE];
