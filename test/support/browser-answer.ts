/**
 * What the scripted browser has seen: one answer, and the way to it.
 *
 * @module
 */

import { type Fields, firstOf, valuesOf } from './http-bytes.ts';

/** One request and its answer. */
export interface Hop {
  readonly method: string;
  readonly url: string;
  /** As sent. */
  readonly requestHeaders: Fields;
  readonly status: number;
  /** As received. */
  readonly headers: Fields;
  readonly body: Buffer;
}

/** The last answer of a chain of redirects. */
export class Answer {
  /** Where the browser ended. */
  readonly url: string;
  readonly status: number;
  readonly headers: Fields;
  readonly body: Buffer;
  /** Every request on the way, the last one included. */
  readonly hops: readonly Hop[];
  /** The preflight, when one was made. */
  readonly preflight: Hop | undefined;
  /** May a script of the page read the answer? Always `true` for navigations. */
  readonly readable: boolean;

  /** Made by the browser. */
  constructor(hops: readonly Hop[], { preflight, readable }: { preflight?: Hop | undefined; readable: boolean }) {
    const last = hops.at(-1);
    if (!last) throw new Error('an answer needs at least one request');
    this.url = last.url;
    this.status = last.status;
    this.headers = last.headers;
    this.body = last.body;
    this.hops = hops;
    this.preflight = preflight;
    this.readable = readable;
  }

  /** The first value of a header. */
  header(name: string): string | undefined {
    return firstOf(this.headers, name);
  }

  /** All values of a header. */
  all(name: string): readonly string[] {
    return valuesOf(this.headers, name);
  }

  /** The body as UTF-8. */
  text(): string {
    return this.body.toString();
  }

  /** The body as JSON; the caller says what it expects and checks it by its assertions. */
  json<T = Readonly<Record<string, unknown>>>(): T {
    return JSON.parse(this.text()) as T; // what it really is, the assertions of the test find out
  }

  /** The hop that went to this path (query aside); throws when there was none. */
  hopTo(path: string): Hop {
    const found = this.hops.find(({ url }) => new URL(url).pathname === path);
    if (!found) throw new Error(`no request went to ${path}, but to ${this.hops.map(({ url }) => url).join(', ')}`);
    return found;
  }
}

/** The browser did not send the request, or does not go on: the preflight did not allow it, or a redirect may not be followed. */
export class FetchBlocked extends Error {
  override readonly name = 'FetchBlocked';
  /** The answer to the preflight, when that was it. */
  readonly preflight: Hop | undefined;

  /** @param preflight The answer that blocked the request. */
  constructor(message: string, preflight?: Hop) {
    super(message);
    this.preflight = preflight;
  }
}
