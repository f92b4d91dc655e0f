/**
 * The head of an upstream's answer: read in one way or not at all. Pure.
 *
 * What two readers could take for different answers, or for a different number of
 * them, is a {@link WireError}: whoever reads it otherwise would pass one person's
 * answer to another.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import { control, token } from '../../http/field-syntax.ts';
import { WireError } from './wire-error.ts';

/** Where the body ends: there is none; after so many bytes; where its chunks say; where the connection does. */
export type BodyEnd = 'none' | 'chunked' | 'close' | number;

/** A head that was read. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case; a list where a name was there more than once. */
  readonly headers: IncomingHttpHeaders;
  readonly bodyEnd: BodyEnd;
  /** Whether another request may follow on the connection. */
  readonly isReusable: boolean;
}

// RFC 9112, 4: the space behind the status is often missing where there is no reason.
const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: .*)?$/;
/** RFC 9110, 6.5.1: nobody may say behind the body how long it was. */
const framing = /^(?:content-length|transfer-encoding)$/i;
const length = /^[0-9]{1,15}$/;
/** What most answers have, by the usual spellings; any other name is looked at. */
const names: ReadonlyMap<string, string> = new Map(
  ['Cache-Control', 'Connection', 'Content-Length', 'Content-Type', 'Date', 'ETag', 'Keep-Alive', 'Server', 'Vary']
    .flatMap((name) => [name, name.toLowerCase()])
    .map((name) => [name, name.toLowerCase()]),
);
/** A space to RFC 9110, 5.6.3, but part of the coding to llhttp, which then reads until the end what here are chunks. */
const tabAtCoding = /^transfer-encoding:.*\t/im;

/** Reads the head `text`, without the empty line behind it, of the answer to a request with `method`. Throws a {@link WireError}. */
export function readHead(text: string, method: string): ResponseHead {
  const lines = text.split('\r\n');
  const first = lines[0] ?? '';
  const [, minor, digits] = control.test(first) ? [] : (statusLine.exec(first) ?? []);
  if (digits === undefined) throw new WireError('invalid', 'no status line of HTTP/1.0 or 1.1');
  const status = Number(digits);
  const headers = readFields(lines);
  if (headers['transfer-encoding'] !== undefined && tabAtCoding.test(text))
    throw new WireError('invalid', 'a tab beside the transfer coding');
  const isOld = minor === '0';
  const bodyEnd = bodyEndOf({ status, headers, method, isOld });
  return { status, headers, bodyEnd, isReusable: bodyEnd !== 'close' && isKeptOpen(headers.connection, { isOld }) };
}

function readFields(lines: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] as string; // inside its bounds
    // CR and LF as well: they end a line together or not at all (RFC 9112, 2.2).
    if (control.test(line)) throw new WireError('invalid', 'a control character in the head');
    const colon = line.indexOf(':');
    const name = nameOf(line.slice(0, Math.max(0, colon)));
    if (name !== '__proto__') add(headers, { name, value: trimmed(line.slice(colon + 1)) });
  }
  return headers as IncomingHttpHeaders; // Node's type tells some names apart; all here are text, once or more often
}

// A line that goes on with the one before begins with a space, which no name has (RFC 9112, 5.2).
function nameOf(written: string): string {
  const known = names.get(written);
  if (known !== undefined) return known;
  if (!token.test(written)) throw new WireError('invalid', 'a line of the head that is no field');
  return written.toLowerCase();
}

/** For a line behind the last chunk (RFC 9112, 7.1.2). Throws a {@link WireError} where it is no field. */
export function checkField(line: string): void {
  const name = line.slice(0, Math.max(0, line.indexOf(':')));
  if (control.test(line) || !token.test(name) || framing.test(name))
    throw new WireError('invalid', 'a trailer that is no field, or one that frames');
}

// By hand: a regular expression takes a time for it that grows with the square of the spaces in the middle.
function trimmed(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isSpace(value.charCodeAt(from))) from++;
  while (to > from && isSpace(value.charCodeAt(to - 1))) to--;
  return value.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function add(headers: Record<string, string | string[]>, { name, value }: { name: string; value: string }): void {
  const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (before === undefined) headers[name] = value;
  else if (typeof before === 'string') headers[name] = [before, value];
  else before.push(value);
}

interface Framing {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly method: string;
  readonly isOld: boolean;
}

// RFC 9112, 6.3, and no guesses where a sender contradicts himself.
function bodyEndOf({ status, headers, method, isOld }: Framing): BodyEnd {
  const { 'transfer-encoding': coding, 'content-length': announced } = headers;
  if (coding !== undefined) {
    if (announced !== undefined) throw new WireError('invalid', 'a length beside a transfer coding');
    if (isOld || !isChunked(coding)) throw new WireError('invalid', 'a transfer coding other than chunked');
  }
  if (announced !== undefined && (typeof announced !== 'string' || !length.test(announced)))
    throw new WireError('invalid', 'a length that is no number, or two of them');
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (coding !== undefined) return 'chunked';
  return announced === undefined ? 'close' : Number(announced);
}

// The line may be there twice: services that copy the header of another write it so, and it can mean nothing else.
function isChunked(coding: unknown): boolean {
  return [coding].flat().every((each) => typeof each === 'string' && each.toLowerCase() === 'chunked');
}

// RFC 9112, 9.3.
function isKeptOpen(connection: unknown, { isOld }: Pick<Framing, 'isOld'>): boolean {
  if (connection === undefined) return !isOld;
  if (connection === 'keep-alive') return true;
  const options = [connection].flat().join(',').toLowerCase().split(',');
  const named = new Set(options.map((option) => option.trim()));
  return !named.has('close') && (!isOld || named.has('keep-alive'));
}
