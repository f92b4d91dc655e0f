/**
 * Our own cookies in a `Cookie` header, found in one scan.
 *
 * Everything else in the header is passed over unread: it belongs to other
 * applications on the host and may be of any form. Nothing here decodes or
 * verifies a value, and nothing throws.
 *
 * @module
 */

import type { CookieNames } from './frontend.ts';

/** What was found. Values are raw, as they stand between `=` and `;`. */
export interface OwnCookies {
  readonly session: string | undefined;
  /** Whether one of our names was there twice: a sign of a planted cookie (RFC 6265bis, 8.6). */
  readonly isRepeated: boolean;
  /** Name and value of each pending login, at most {@link mostLogins}. */
  readonly logins: ReadonlyMap<string, string>;
  readonly starts: string | undefined;
}

/** Pending logins that are looked at. `/login` keeps four; a few more may be in flight. */
export const mostLogins = 8;

/** Bytes. Browsers keep no larger cookie (RFC 6265bis, 5.6), so a larger value is none of ours. */
const longestValue = 4096;

const noLogins: ReadonlyMap<string, string> = new Map();
const none: OwnCookies = { session: undefined, isRepeated: false, logins: noLogins, starts: undefined };

/**
 * Our cookies in `header`. Names are compared exactly, since cookie names are
 * case-sensitive; spaces and tabs around name and value do not belong to them.
 */
export function readCookies(header: string | undefined, names: CookieNames): OwnCookies {
  // The names of all our cookies begin with that of the session's.
  if (header === undefined || !header.includes(names.session)) return none;
  const found = new Found(names);
  let equals = -1;
  for (let start = 0; start < header.length; ) {
    const semicolon = header.indexOf(';', start);
    const end = semicolon < 0 ? header.length : semicolon;
    // Looked for again only when passed, so that pairs without "=" cost no second reading of the header.
    if (equals < start) equals = positionOf(header, start);
    if (equals < end) found.take(trimmed(header, { start, end: equals }), { header, start: equals + 1, end });
    start = end + 1;
  }
  return found;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

class Found implements OwnCookies {
  session: string | undefined = undefined;
  starts: string | undefined = undefined;
  isRepeated = false;
  #logins: Map<string, string> | undefined = undefined;
  readonly #names: CookieNames;
  readonly #seen: string[] = [];

  constructor(names: CookieNames) {
    this.#names = names;
  }

  get logins(): ReadonlyMap<string, string> {
    return this.#logins ?? noLogins;
  }

  take(name: string, value: Span & { readonly header: string }): void {
    const { session, starts, loginPrefix } = this.#names;
    const isLogin = name.length > loginPrefix.length && name.startsWith(loginPrefix);
    if (!isLogin && name !== session && name !== starts) return;
    if (this.#seen.includes(name)) this.isRepeated = true;
    else if (!isLogin || this.#seen.length < mostLogins + 2) this.#keep(name, trimmed(value.header, value));
  }

  #keep(name: string, value: string): void {
    this.#seen.push(name);
    if (value === '' || value.length > longestValue) return;
    if (name === this.#names.session) this.session = value;
    else if (name === this.#names.starts) this.starts = value;
    else this.#keepLogin(name, value);
  }

  #keepLogin(name: string, value: string): void {
    this.#logins ??= new Map();
    if (this.#logins.size < mostLogins) this.#logins.set(name, value);
  }
}

function positionOf(header: string, from: number): number {
  const at = header.indexOf('=', from);
  return at < 0 ? header.length : at;
}

function trimmed(header: string, span: Span): string {
  let { start, end } = span;
  while (start < end && isBlank(header.charCodeAt(start))) start++;
  while (end > start && isBlank(header.charCodeAt(end - 1))) end--;
  return header.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
