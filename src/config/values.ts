/**
 * Texts as values: durations, sizes, lists, addresses. Each reader gives the value
 * or a sentence that says what is expected; none repeats the text it was given,
 * since that may be a secret.
 *
 * @module
 */

import { isIP } from 'node:net';
import { isLoopbackName } from '../base/loopback.ts';

/** A value, or what is expected instead. */
export type Read<Value> = { readonly value: Value } | { readonly expected: string };

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitsBytes: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** `500ms`, `30s`, `15m`, `8h`, `2d` as ms. */
export function readDuration(text: string): Read<number> {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = unitsMs[unit ?? ''];
  return digits === undefined || factor === undefined || Number(digits) === 0
    ? { expected: 'a duration such as 500ms, 30s, 15m or 8h' }
    : { value: Number(digits) * factor };
}

/** `64KB`, `10MB`, `0` as bytes. */
export function readSize(text: string): Read<number> {
  if (text === '0') return { value: 0 };
  const [, digits, unit] = /^(\d{1,9})(B|KB|MB|GB)$/.exec(text) ?? [];
  const factor = unitsBytes[unit ?? ''];
  return digits === undefined || factor === undefined
    ? { expected: 'a size such as 64KB or 10MB, or 0 for no limit' }
    : { value: Number(digits) * factor };
}

/** A whole number between two limits, both included. */
export function readInteger(text: string, { from, to }: { readonly from: number; readonly to: number }): Read<number> {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? { value } : { expected: `a whole number from ${from} to ${to}` };
}

/** `true` or `false`. */
export function readBoolean(text: string): Read<boolean> {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  return { expected: 'true or false' };
}

/** Words separated by spaces or commas, each once. */
export function readWords(text: string): Read<readonly string[]> {
  return { value: [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))] };
}

/** An origin: scheme, host, and port where it is not the default. One slash at the end is forgiven. */
export function readOrigin(text: string): Read<string> {
  const expected = 'an origin such as https://app.example, without a path';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return { expected };
  const rest = url.pathname + url.search + url.hash + url.username + url.password;
  if (rest !== '/' || text.includes('*') || /[?#]$/.test(text)) return { expected };
  return { value: url.origin };
}

/** An absolute http or https URL without credentials, query or fragment. */
export function readUrl(text: string): Read<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isGood =
    url !== undefined &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username + url.password + url.search + url.hash === '' &&
    !/[?#]$/.test(text);
  return isGood
    ? { value: text }
    : { expected: 'a URL such as https://login.example/realm, without query or fragment' };
}

/** Whether a URL is https, or stays on this machine. */
export function isSafeTransport(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopbackName(hostname);
}

/** Addresses and CIDR ranges, separated by commas. Ranges that hold everybody are refused. */
export function readAddresses(text: string): Read<readonly string[]> {
  const items = text.split(/[\s,]+/).filter((item) => item !== '');
  const isGood = items.every((item) => isAddressOrRange(item));
  return isGood
    ? { value: items }
    : { expected: 'addresses or CIDR ranges such as 10.0.0.0/8, and none that holds everybody' };
}

function isAddressOrRange(item: string): boolean {
  const [address = '', bits, more] = item.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  if (bits === undefined) return true;
  const size = Number(bits);
  return /^\d{1,3}$/.test(bits) && size > 0 && size <= (family === 4 ? 32 : 128);
}
