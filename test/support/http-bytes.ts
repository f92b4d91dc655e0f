/**
 * HTTP/1.1 messages read from bytes, without the parser of Node.
 *
 * Reads what is there and judges nothing: a test that sends or receives
 * something malformed wants to see it as it was.
 *
 * @module
 */

/** Header or trailer fields in the order and spelling of the wire. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** The start line and the fields of a message. */
export interface Head {
  readonly startLine: string;
  readonly headers: Fields;
  /** Where the body begins. */
  readonly end: number;
}

/** A body as it was on the wire and as it is meant. */
export interface Body {
  readonly body: Buffer;
  readonly trailers: Fields;
  /** Where the next message begins. */
  readonly end: number;
}

/** All values of a field, in order; names are compared without case. */
export function valuesOf(fields: Fields, name: string): readonly string[] {
  return fields.filter(([known]) => known.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** The first value of a field. */
export function firstOf(fields: Fields, name: string): string | undefined {
  return valuesOf(fields, name)[0];
}

/** The head that begins at `start`, or `undefined` while its empty line has not arrived. */
export function readHead(bytes: Buffer, start: number): Head | undefined {
  const blank = bytes.indexOf('\r\n\r\n', start);
  if (blank < 0) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', start, blank).split('\r\n');
  return { startLine, headers: lines.map(fieldOf), end: blank + 4 };
}

/** `length` bytes from `start`, or `undefined` while they have not all arrived. */
export function readLength(bytes: Buffer, { start, length }: { start: number; length: number }): Body | undefined {
  const end = start + length;
  return bytes.length < end ? undefined : { body: Buffer.from(bytes.subarray(start, end)), trailers: [], end };
}

/** A chunked body from `start`, or `undefined` while it is not complete. Throws on a chunk size that is none. */
export function readChunked(bytes: Buffer, start: number): Body | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = sizeOf(bytes.toString('latin1', at, lineEnd));
    at = lineEnd + 2;
    if (size === 0) return readTrailers(bytes, { at, body: Buffer.concat(parts) });
    if (bytes.length < at + size + 2) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

/** Does the last transfer coding say chunked? */
export function isChunked(headers: Fields): boolean {
  return valuesOf(headers, 'transfer-encoding').join(',').trim().toLowerCase().endsWith('chunked');
}

/** One chunk of a chunked body; empty bytes give the end, with its trailers. */
export function chunkOf(bytes: Buffer | string, trailers: Fields = []): Buffer {
  const content = Buffer.from(bytes);
  if (content.length === 0) return Buffer.from(`0\r\n${linesOf(trailers)}\r\n`, 'latin1');
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]);
}

/** Fields as lines, each with its CRLF. */
export function linesOf(fields: Fields): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
}

function sizeOf(line: string): number {
  const [digits = ''] = line.split(';');
  if (!/^[0-9a-f]+[ \t]*$/i.test(digits)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
  return Number.parseInt(digits, 16);
}

function readTrailers(bytes: Buffer, { at, body }: { at: number; body: Buffer }): Body | undefined {
  if (bytes.toString('latin1', at, at + 2) === '\r\n') return { body, trailers: [], end: at + 2 };
  const blank = bytes.indexOf('\r\n\r\n', at);
  if (blank < 0) return undefined;
  const lines = bytes.toString('latin1', at, blank).split('\r\n');
  return { body, trailers: lines.map(fieldOf), end: blank + 4 };
}
