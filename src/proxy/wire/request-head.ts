/**
 * The head of a request to an upstream as it goes over the wire. Pure.
 *
 * @module
 */

import { token } from '../../http/field-syntax.ts';
import { WireError } from './wire-error.ts';

/** Not a byte: on the wire another character, perhaps one that ends a line. For text without such V8 does not even look. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all bytes but none else
const wide = /[^\x00-\xff]/;
const target = /^\/[\x21-\x7e]*$/; // RFC 9112, 3.2.1

/** What most calls have, as each begins its line; any other name is looked at. */
const beginnings: ReadonlyMap<string, string> = new Map(
  [
    'accept',
    'accept-encoding',
    'accept-language',
    'authorization',
    'content-length',
    'content-type',
    'forwarded',
    'traceparent',
    'user-agent',
    'via',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-request-id',
  ].map((name) => [name, beginningOf(name)]),
);

/** What a head is made from. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** As in `URL.host`. */
  readonly host: string;
  /** Name and value by turns; without `Host`, `Connection` and `Transfer-Encoding`, which follow from the rest. */
  readonly headers: readonly string[];
  /** Whether the body goes in chunks, since its length is not known. */
  readonly isChunked: boolean;
}

/**
 * The head, with the empty line behind it. Throws a {@link WireError} for what cannot
 * be written: the guards before have refused it, so it is a mistake of ours.
 */
export function requestHead({ method, path, host, headers, isChunked }: RequestHead): string {
  if (!token.test(method) || !target.test(path))
    throw new WireError('unwritable', 'a request line that cannot be written');
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string; // both inside the list's bounds
    const value = headers[at + 1] as string;
    if (endsLine(value)) throw unwritable(name);
    text += (beginnings.get(name) ?? beginningOf(name)) + value;
  }
  text += isChunked ? '\r\ntransfer-encoding: chunked\r\n\r\n' : '\r\n\r\n';
  // Last of all: V8 lays the pieces together for it, and so they are written.
  if (wide.test(text)) throw new WireError('unwritable', 'a header of more than bytes');
  return text;
}

function beginningOf(name: string): string {
  if (!token.test(name)) throw unwritable(name);
  return `\r\n${name}: `;
}

function unwritable(name: string): WireError {
  return new WireError('unwritable', `the header ${name} cannot be written`);
}

// RFC 9110, 5.5: these three are dangerous. The edge has refused the other controls (http/header-lines.ts), and a token is long.
function endsLine(value: string): boolean {
  return value.includes('\n') || value.includes('\r') || value.includes('\0');
}
