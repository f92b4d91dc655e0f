/**
 * The head of a request to an upstream as it goes over the wire. Pure.
 *
 * @module
 */

import { WireError } from './wire-error.ts';

const token = /^[\w!#$%&'*+.^`|~-]+$/; // RFC 9110, 5.6.2
/** Not a byte: on the wire another character, perhaps one that ends a line. For text without such V8 does not even look. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all bytes but none else
const wide = /[^\x00-\xff]/;
const target = /^\/[\x21-\x7e]*$/; // RFC 9112, 3.2.1

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
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string; // both inside the list's bounds
    const value = headers[at + 1] as string;
    if (!token.test(name) || endsLine(value)) throw new WireError('unwritable', `the header ${name} cannot be written`);
    text += `${name}: ${value}\r\n`;
  }
  if (wide.test(text)) throw new WireError('unwritable', 'a header of more than bytes');
  return isChunked ? `${text}transfer-encoding: chunked\r\n\r\n` : `${text}\r\n`;
}

// RFC 9110, 5.5: these three are dangerous. The edge has refused the other controls (http/header-lines.ts), and a token is long.
function endsLine(value: string): boolean {
  return value.includes('\n') || value.includes('\r') || value.includes('\0');
}
