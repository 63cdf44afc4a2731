import { Pipe, PipeTransform } from '@angular/core';

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const PRECISE = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumSignificantDigits: 2 });
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const NONE = '–';

type Given = number | null | undefined;

const isGiven = (value: Given): value is number => value !== null && value !== undefined;

/** 1234567 → 1,234,567. */
export function count(value: Given): string {
  return isGiven(value) ? COUNT.format(value) : NONE;
}

/** 1234567 → 1.2M. */
export function short(value: Given): string {
  return isGiven(value) ? SHORT.format(value) : NONE;
}

/** IEC units: 1536 → 1.5 KiB. */
export function bytes(value: Given): string {
  if (!isGiven(value)) return NONE;
  const power = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), UNITS.length - 1);
  return `${PRECISE.format(value / 1024 ** power)} ${UNITS[power]}`;
}

/** A length of time, at most two units: 0.0123 → 12 ms, 3.456 → 3.5 s, 3725 → 1 h 2 min. */
export function seconds(value: Given): string {
  if (!isGiven(value)) return NONE;
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(value % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** 0.00123 → 0.12 %. */
export function percent(value: Given): string {
  return isGiven(value) ? PERCENT.format(value) : NONE;
}

/** Rows per second, short. */
export function rate(value: Given): string {
  return isGiven(value) ? `${SHORT.format(value)} rows/s` : NONE;
}

/** A moment to the second, in a zone of `Intl`; undefined is the browser's. */
export function moment(at: Date, timeZone: string | undefined): string {
  const text = new Intl.DateTimeFormat('sv', {
    dateStyle: 'short',
    timeStyle: 'medium',
    timeZone,
  }).format(at);
  return timeZone === 'UTC' ? `${text}Z` : text;
}

/** How long ago, or how long until: 90 seconds ago → 1 min ago. */
export function age(at: Date, now: number): string {
  const past = (now - at.getTime()) / 1000;
  const size = Math.abs(past);
  if (size < 5) return 'now';
  const text =
    size < 60
      ? `${Math.floor(size)} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : size < 48 * 3600
          ? `${Math.floor(size / 3600)} h`
          : `${Math.floor(size / 86400)} d`;
  return past > 0 ? `${text} ago` : `in ${text}`;
}

/** The last part of a path or URI. */
export function fileName(uri: string | null | undefined): string {
  return uri ? uri.slice(uri.replace(/\/+$/, '').lastIndexOf('/') + 1) : NONE;
}

/** A word of the ledger as text: rolled_back → rolled back. */
export function words(value: string | null | undefined): string {
  return value ? value.replaceAll('_', ' ') : NONE;
}

@Pipe({ name: 'count' })
export class CountPipe implements PipeTransform {
  readonly transform = count;
}

@Pipe({ name: 'short' })
export class ShortPipe implements PipeTransform {
  readonly transform = short;
}

@Pipe({ name: 'bytes' })
export class BytesPipe implements PipeTransform {
  readonly transform = bytes;
}

@Pipe({ name: 'seconds' })
export class SecondsPipe implements PipeTransform {
  readonly transform = seconds;
}

@Pipe({ name: 'share' })
export class SharePipe implements PipeTransform {
  readonly transform = percent;
}

@Pipe({ name: 'rate' })
export class RatePipe implements PipeTransform {
  readonly transform = rate;
}

@Pipe({ name: 'fileName' })
export class FileNamePipe implements PipeTransform {
  readonly transform = fileName;
}

@Pipe({ name: 'words' })
export class WordsPipe implements PipeTransform {
  readonly transform = words;
}
