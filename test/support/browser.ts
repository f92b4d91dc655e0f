/**
 * A scripted browser: a person with a window, and pages that fetch.
 *
 * It keeps cookies as a browser does, follows redirects, and says of each request
 * what Chromium would (`Sec-Fetch-*`, `Origin`, `Referer`). It keeps every byte it
 * received, so that a test can search them for what must never arrive there.
 *
 * It runs no script, loads no image by itself, caches nothing and enforces no
 * Content-Security-Policy: what depends on those is tested in a real Chromium
 * (chromium.ts).
 *
 * @module
 */

import type { Answer, Hop } from './browser-answer.ts';
import { BrowserEngine, type Credentials, type Task } from './browser-engine.ts';
import type { Dest, Mode, Situation } from './browser-rules.ts';
import { BrowserStream } from './browser-stream.ts';
import { CookieJar } from './cookie-jar.ts';
import type { Fields } from './http-bytes.ts';
import { holdsSecret } from './secrets.ts';

/** How a browser differs from a new profile of a current Chromium. */
export interface BrowserOptions {
  /** `false`: an old browser without `Sec-Fetch-*`. */
  readonly fetchMetadata?: boolean;
  /** `true`: redirects through other sites do not count for SameSite, as in Chromium 156. RFC 6265bis (5.2) counts them, and so does the default. */
  readonly lenientRedirects?: boolean;
  /** Keep connections open between requests; each has its own unless told otherwise. */
  readonly keepAlive?: boolean;
  /** Where origins are really reached: `{ 'https://app.example': 'http://127.0.0.1:3000' }` plays a TLS terminator. */
  readonly reach?: Readonly<Record<string, string>>;
  /** Certificates to trust, PEM. */
  readonly ca?: string;
  /** The time in ms, by which cookies end. */
  readonly now?: () => number;
  readonly userAgent?: string;
  /** Sent with every request, after the browser's own: `{ 'X-Forwarded-For': '203.0.113.9' }` plays a proxy before us. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the headers of an answer may take; 10 s unless told otherwise. */
  readonly limitMs?: number;
  /** A jar to begin with; an empty one unless told otherwise. */
  readonly jar?: CookieJar;
}

/** How an address is opened. */
export interface NavigateOptions {
  /** The page whose link it is; without it, a person typed the address. */
  readonly from?: string;
  /** `false`: a script did it, without a click. */
  readonly byPerson?: boolean;
  /** `manual` stops at the first redirect. */
  readonly redirect?: 'follow' | 'manual';
}

/** How a form is sent. */
export interface SubmitOptions extends NavigateOptions {
  readonly method?: 'GET' | 'POST';
  readonly enctype?: 'application/x-www-form-urlencoded' | 'text/plain';
}

/** What a script of a page passes to `fetch`. */
export interface FetchOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The page whose script it is; the one the window shows unless told otherwise. */
  readonly from?: string;
  readonly mode?: Exclude<Mode, 'websocket'>;
  readonly dest?: Dest;
  /** `include` for cookies to other origins; `same-origin` unless told otherwise (images and frames always include). */
  readonly credentials?: Credentials;
  readonly redirect?: 'follow' | 'manual' | 'error';
}

const chromiumAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';

/** One browser profile with one window. */
export class Browser {
  readonly jar: CookieJar;
  /** The page the window shows. */
  page: string | undefined;
  readonly #engine: BrowserEngine;

  /** A new profile: no cookies, an empty window. */
  constructor(options: BrowserOptions = {}) {
    const { fetchMetadata = true, lenientRedirects = false, reach = {}, ca, limitMs = 10_000 } = options;
    this.jar = options.jar ?? new CookieJar(options.now);
    this.#engine = new BrowserEngine({
      jar: this.jar,
      habits: { fetchMetadata, lenientRedirects },
      keepAlive: options.keepAlive ?? false,
      userAgent: options.userAgent ?? chromiumAgent,
      headers: Object.entries(options.headers ?? {}),
      wire: {
        reach: new Map(Object.entries(reach).map(([origin, address]) => [origin, new URL(address)])),
        ca,
        limitMs,
      },
    });
  }

  /** Every byte received, chunk by chunk: heads, framing, bodies. */
  get received(): readonly Buffer[] {
    return this.#engine.received;
  }

  /** Every request made, in order, with its answer. */
  get history(): readonly Hop[] {
    return this.#engine.history;
  }

  /** Opens an address as a person who types it, or, with `from`, follows a link of that page. */
  async navigate(url: string, options: NavigateOptions = {}): Promise<Answer> {
    const byPerson = options.byPerson ?? true;
    const situation = this.#situation(url, {
      method: 'GET',
      mode: 'navigate',
      dest: 'document',
      from: options.from,
      byPerson,
    });
    return this.#show(await this.#engine.run({ ...navigation(situation), redirect: options.redirect ?? 'follow' }));
  }

  /** Follows a link of the page that the window shows; a path is taken from there. */
  click(url: string, options: Omit<NavigateOptions, 'from'> = {}): Promise<Answer> {
    return this.navigate(new URL(url, this.page).href, {
      ...options,
      ...(this.page === undefined ? {} : { from: this.page }),
    });
  }

  /** Sends a form of the page that the window shows, or of `from`. */
  async submitForm(
    url: string,
    fields: Readonly<Record<string, string>>,
    options: SubmitOptions = {},
  ): Promise<Answer> {
    const {
      method = 'POST',
      enctype = 'application/x-www-form-urlencoded',
      from = this.page,
      byPerson = true,
    } = options;
    const target = new URL(url, from);
    if (method === 'GET') target.search = new URLSearchParams(fields).toString();
    const situation = this.#situation(target.href, { method, mode: 'navigate', dest: 'document', from, byPerson });
    const form =
      method === 'GET' ? {} : { headers: [['Content-Type', enctype] as const], body: formBody(fields, enctype) };
    return this.#show(
      await this.#engine.run({ ...navigation(situation), ...form, redirect: options.redirect ?? 'follow' }),
    );
  }

  /** A script of a page fetches; a path is taken from that page. Rejects with {@link FetchBlocked} where the browser stops. */
  async fetch(url: string, options: FetchOptions = {}): Promise<Answer> {
    const task = this.#fetchTask(url, options);
    const preflight = await this.#engine.preflight(task);
    return this.#engine.run(task, preflight);
  }

  /** A page opens an `EventSource`. Resolves when the headers are there. */
  async openStream(
    url: string,
    options: Pick<FetchOptions, 'from' | 'credentials' | 'headers'> = {},
  ): Promise<BrowserStream> {
    const task = this.#fetchTask(url, {
      ...options,
      headers: { Accept: 'text/event-stream', 'Cache-Control': 'no-cache', ...options.headers },
    });
    const { response } = await this.#engine.exchange(task);
    return new BrowserStream(response);
  }

  /** The `Cookie` header that a request of the page would carry, or `undefined`; for requests that a test writes by hand. */
  cookieHeader(url: string, options: FetchOptions = {}): string | undefined {
    return this.#engine.cookieHeader(this.#fetchTask(url, options));
  }

  /** Has the secret been received, as it is or in a form it may hide in (secrets.ts)? */
  hasReceived(secret: string): boolean {
    return holdsSecret(Buffer.concat(this.received), secret);
  }

  #fetchTask(url: string, options: FetchOptions): Task {
    const {
      method = 'GET',
      headers = {},
      body,
      from = this.page,
      mode = 'cors',
      dest = 'empty',
      redirect = 'follow',
    } = options;
    const situation = this.#situation(new URL(url, from).href, { method, mode, dest, from, byPerson: false });
    const included = mode === 'cors' || mode === 'same-origin' ? 'same-origin' : 'include';
    return {
      situation,
      headers: withContentType(Object.entries(headers), body),
      body: body === undefined ? undefined : Buffer.from(body),
      credentials: options.credentials ?? included,
      redirect,
      cors: mode === 'cors',
    };
  }

  #situation(url: string, parts: Omit<Situation, 'initiator' | 'urls'> & { from: string | undefined }): Situation {
    const { from, ...rest } = parts;
    return { ...rest, initiator: from === undefined ? undefined : new URL(from), urls: [new URL(url)] };
  }

  #show(answer: Answer): Answer {
    if (answer.status !== 204 && answer.status !== 205) this.page = answer.url;
    return answer;
  }
}

function navigation(situation: Situation): Omit<Task, 'redirect'> {
  return { situation, headers: [], body: undefined, credentials: 'include', cors: false };
}

function formBody(fields: Readonly<Record<string, string>>, enctype: string): Buffer {
  if (enctype !== 'text/plain') return Buffer.from(new URLSearchParams(fields).toString());
  return Buffer.from(
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}\r\n`)
      .join(''),
  );
}

/** A text body without a type is `text/plain`, as `fetch` has it. */
function withContentType(headers: Fields, body: string | Buffer | undefined): Fields {
  const isTyped = headers.some(([name]) => name.toLowerCase() === 'content-type');
  return isTyped || typeof body !== 'string' ? headers : [...headers, ['Content-Type', 'text/plain;charset=UTF-8']];
}
