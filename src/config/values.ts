/**
 * Texts as values: durations, sizes, lists, addresses. Each reader gives the value
 * or a sentence that says what is expected; none repeats the text it was given,
 * since that may be a secret.
 *
 * @module
 */

import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { isLoopbackName } from '../base/loopback.ts';
import { parseRedisUrl } from './redis-url.ts';

/** A value, or what is expected instead. */
export type Read<Value> = { readonly value: Value } | { readonly expected: string };

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitsBytes: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** A duration as it is written: a whole number above 0 and its unit. */
export const durationForm = /^([1-9]\d{0,8})(ms|s|m|h|d)$/;
/** A size as it is written: a whole number and its unit, or 0. */
export const sizeForm = /^(0|[1-9]\d{0,5}(?:B|KB|MB|GB))$/;

/** `500ms`, `30s`, `15m`, `8h`, `2d` as ms. `least` and `most`: the shortest and the longest that are taken, written in the same way. */
export function readDuration(
  text: string,
  { least, most = '24h' }: { readonly least?: string; readonly most?: string } = {},
): Read<number> {
  const value = durationOf(text);
  const isTaken = value !== undefined && value >= (durationOf(least ?? '') ?? 0) && value <= (durationOf(most) ?? 0);
  const bounds = `${least === undefined ? '' : `at least ${least} and `}at most ${most}`;
  return isTaken ? { value } : { expected: `a duration such as 500ms, 30s, 15m or 8h, and ${bounds}` };
}

function durationOf(text: string): number | undefined {
  const [, digits, unit] = durationForm.exec(text) ?? [];
  const factor = unitsMs[unit ?? ''];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** `64KB`, `10MB`, `0` as bytes. */
export function readSize(text: string): Read<number> {
  if (!sizeForm.test(text)) return { expected: 'a size such as 64KB or 10MB, or 0 for no limit' };
  const unit = text.replace(/^\d+/, '');
  return { value: Number.parseInt(text, 10) * (unitsBytes[unit] ?? 1) };
}

/** A whole number between two limits, both included. */
export function readInteger(text: string, { from, to }: { readonly from: number; readonly to: number }): Read<number> {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && value <= to ? { value } : { expected: `a whole number from ${from} to ${to}` };
}

/** A number of processes; `auto` is one for each core that this process may use. */
export function readWorkers(text: string): Read<number> {
  if (text === 'auto') return { value: Math.min(availableParallelism(), mostWorkers) };
  const { value } = { value: undefined, ...readInteger(text, { from: 1, to: mostWorkers }) };
  return value === undefined ? { expected: `auto, or a whole number from 1 to ${mostWorkers}` } : { value };
}

const mostWorkers = 64;

/** `true` or `false`. */
export function readBoolean(text: string): Read<boolean> {
  if (text === 'true' || text === 'false') return { value: text === 'true' };
  return { expected: 'true or false' };
}

/** Words separated by spaces or commas, each once. */
export function readWords(text: string): Read<readonly string[]> {
  const words = itemsOf(text);
  return words.every((word) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word))
    ? { value: [...new Set(words)] }
    : { expected: 'words separated by spaces or commas' };
}

/** Scopes (RFC 6749, 3.3), with openid among them: without it nobody is signed in (OIDC Core, 3.1.2.1). */
export function readScopes(text: string): Read<readonly string[]> {
  const words = readWords(text);
  return 'value' in words && words.value.includes('openid')
    ? words
    : { expected: 'scopes separated by spaces, with openid among them' };
}

/** The items of a list. Two separators in a row make an empty one, which no reader takes. */
function itemsOf(text: string): readonly string[] {
  return text === '' ? [] : text.trim().split(/\s*,\s*|\s+/);
}

/** A list of items that `read` understands, each once. */
export function readList(text: string, read: (item: string) => Read<string>): readonly string[] | undefined {
  const found = itemsOf(text).map(read);
  const values = found.flatMap((one) => ('value' in one ? [one.value] : []));
  return values.length === found.length ? [...new Set(values)] : undefined;
}

/** Visible ASCII characters (RFC 6749, A.1 and A.2: VSCHAR), at least one. */
export function readVisible(text: string): Read<string> {
  return /^[\x20-\x7e]+$/.test(text) && text.trim() === text
    ? { value: text }
    : { expected: 'visible ASCII characters, without spaces at the ends' };
}

/** An address or a host name to listen on. */
export function readHost(text: string): Read<string> {
  const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
  const isName = new RegExp(`^${label}(?:\\.${label})*$`).test(text) && !/^[\d.]+$/.test(text);
  return isIP(text) !== 0 || isName
    ? { value: text }
    : { expected: 'an address or a host name such as 127.0.0.1, :: or localhost, without a port' };
}

/** An origin: scheme, host, and port where it is not the default. One slash at the end is forgiven. */
export function readOrigin(text: string): Read<string> {
  const url = httpUrlOf(text);
  const rest = url === undefined ? '' : url.pathname + url.search + url.hash + url.username + url.password;
  return url === undefined || rest !== '/' || /[*?#@]/.test(text)
    ? { expected: 'an origin such as https://app.example, without a path' }
    : { value: url.origin };
}

/** An absolute http or https URL without credentials, query or fragment. */
export function readUrl(text: string): Read<string> {
  const url = httpUrlOf(text);
  const hasMore = url === undefined || url.username + url.password + url.search + url.hash !== '' || /[?#@]/.test(text);
  return hasMore
    ? { expected: 'a URL such as https://login.example/realm, without credentials, query or fragment' }
    : { value: text };
}

// Written out: the parser forgives a missing slash, backslashes, and spaces and line breaks anywhere.
function httpUrlOf(text: string): URL | undefined {
  return /^https?:\/\/[^\s/\\][^\s\\]*$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** The identifier of a resource: an absolute URI without fragment (RFC 8707, 2). */
export function readResource(text: string): Read<string> {
  return /^[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$/.test(text)
    ? { value: text }
    : { expected: 'an absolute URI such as https://orders.example, without a fragment' };
}

/** Whom a token is for, where that may be a name instead: visible characters without spaces, quotes and backslashes. */
export function readAudience(text: string): Read<string> {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(text)
    ? { value: text }
    : { expected: 'an absolute URI such as https://orders.example, or a name without spaces' };
}

/** Where Redis is, in one of the forms of redis-url.ts. Special characters of the password are percent-encoded. */
export function readRedisUrl(text: string): Read<string> {
  if (parseRedisUrl(text) !== undefined) return { value: text };
  const [scheme = '', rest = ''] = text.split('://', 2);
  const expected =
    /sentinel|cluster/i.test(scheme) || rest.slice(rest.lastIndexOf('@') + 1).includes(',')
      ? 'for several servers a URL such as rediss-sentinel://user:password@a:26379,b:26379/name-of-the-master or rediss-cluster://user:password@a:6379,b:6379'
      : 'a URL such as rediss://user:password@redis.internal:6379/0, with special characters of the password percent-encoded';
  return { expected };
}

/** Whether a URL is https, or stays on this machine. */
export function isSafeTransport(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || isLoopbackName(hostname);
}
