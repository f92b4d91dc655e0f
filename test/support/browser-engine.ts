/**
 * The engine of the scripted browser: sends one task, follows its redirects, and
 * keeps cookies, bytes and history.
 *
 * browser.ts makes the tasks out of what a person or a page does.
 *
 * @module
 */

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Answer, FetchBlocked, type Hop } from './browser-answer.ts';
import { type CorsRequest, mayRead, needsPreflight, preflightAllows, unsafeHeadersOf } from './browser-cors.ts';
import {
  afterRedirect,
  cookieContextOf,
  currentUrl,
  fetchMetadataOf,
  type Habits,
  originHeaderOf,
  refererOf,
  type Situation,
} from './browser-rules.ts';
import { send, type Wire, type WireResponse } from './browser-wire.ts';
import type { CookieJar } from './cookie-jar.ts';
import { type Fields, firstOf } from './http-bytes.ts';
import { isSameOrigin, isTrustworthy } from './sites.ts';

/** When cookies are sent and kept. */
export type Credentials = 'omit' | 'same-origin' | 'include';

/** One thing to fetch. */
export interface Task {
  readonly situation: Situation;
  /** Those that the page sets. */
  readonly headers: Fields;
  readonly body: Buffer | undefined;
  readonly credentials: Credentials;
  readonly redirect: 'follow' | 'manual' | 'error';
  /** Do the rules of CORS apply? */
  readonly cors: boolean;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly jar: CookieJar;
  readonly habits: Habits;
  readonly keepAlive: boolean;
  readonly userAgent: string;
  /** Sent with every request, after all others. */
  readonly headers: Fields;
  readonly wire: Omit<Wire, 'agents' | 'onBytes'>;
}

const mostRedirects = 20;

/** Fetches, as the network process of a browser does. */
export class BrowserEngine {
  /** Every byte received, chunk by chunk: heads, framing, bodies. */
  readonly received: Buffer[] = [];
  /** Every whole exchange, in order. */
  readonly history: Hop[] = [];
  readonly #parts: EngineParts;
  readonly #wire: Wire;

  /** Takes the parts as they are; `jar` is shared with whoever gave it. */
  constructor(parts: EngineParts) {
    const { keepAlive } = parts;
    this.#parts = parts;
    this.#wire = {
      ...parts.wire,
      agents: { http: new HttpAgent({ keepAlive }), https: new HttpsAgent({ keepAlive }) },
      onBytes: (chunk) => this.received.push(chunk),
    };
  }

  /** Asks the other origin first, where a browser does. Rejects when it does not allow the request. */
  async preflight({ situation, headers, credentials, cors }: Task): Promise<Hop | undefined> {
    const { initiator, method } = situation;
    if (!cors || !initiator || isSameOrigin(initiator, currentUrl(situation))) return undefined;
    const request: CorsRequest = { method, headers, origin: initiator.origin, credentials: credentials === 'include' };
    if (!needsPreflight(request)) return undefined;
    const names = unsafeHeadersOf(headers);
    const asked: Fields = [
      ['Access-Control-Request-Method', method],
      ...(names.length > 0 ? [['Access-Control-Request-Headers', names.join(',')] as const] : []),
    ];
    const task: Task = {
      situation: { ...situation, method: 'OPTIONS' },
      headers: asked,
      body: undefined,
      credentials: 'omit',
      redirect: 'manual',
      cors,
    };
    const { hop } = await this.#whole(task);
    if (!preflightAllows(hop, request))
      throw new FetchBlocked(`the preflight does not allow ${method} ${hop.url}`, hop);
    return hop;
  }

  /** Sends the request and follows where it leads. */
  async run(first: Task, preflight?: Hop): Promise<Answer> {
    const hops: Hop[] = [];
    let task = first;
    for (;;) {
      const { hop, readable } = await this.#whole(task);
      hops.push(hop);
      const location = [301, 302, 303, 307, 308].includes(hop.status) ? firstOf(hop.headers, 'location') : undefined;
      if (location === undefined || task.redirect === 'manual' || !readable)
        return new Answer(hops, { preflight, readable });
      if (task.redirect === 'error' || hops.length > mostRedirects)
        throw new FetchBlocked(`not redirected to ${location}`);
      task = redirected(task, { status: hop.status, location });
    }
  }

  async #whole(task: Task): Promise<{ hop: Hop; readable: boolean }> {
    const { response, requestHeaders } = await this.exchange(task);
    await response.ended;
    const url = currentUrl(task.situation);
    const hop = {
      method: task.situation.method,
      url: url.href,
      requestHeaders,
      status: response.status,
      headers: response.headers,
      body: response.body,
    };
    this.history.push(hop);
    return { hop, readable: isReadable(task, response.headers) };
  }

  /** Sends one request and resolves with the headers of its answer; the body may follow. */
  async exchange(task: Task): Promise<{ response: WireResponse; requestHeaders: Fields }> {
    const { situation, body } = task;
    const url = currentUrl(situation);
    const requestHeaders = this.#headersOf(task);
    const response = await send({ url, method: situation.method, headers: requestHeaders, body }, this.#wire);
    if (this.#sendsCookies(task))
      this.#parts.jar.store(response.all('set-cookie'), {
        url,
        context: cookieContextOf(situation, this.#parts.habits),
      });
    const cleared = response.header('clear-site-data') ?? '';
    if (isTrustworthy(url) && /"(cookies|\*)"/.test(cleared)) this.#parts.jar.clear(url);
    return { response, requestHeaders };
  }

  /** In the order in which Chromium sends them. */
  #headersOf(task: Task): Fields {
    const { situation, body, headers } = task;
    const named = (name: string): boolean => headers.some(([known]) => known.toLowerCase() === name);
    const isNavigation = situation.mode === 'navigate';
    const hasBody = body !== undefined || ['POST', 'PUT', 'PATCH'].includes(situation.method);
    const optional = (name: string, value: string | undefined): Fields => (value === undefined ? [] : [[name, value]]);
    return [
      ['Host', currentUrl(situation).host],
      ['Connection', this.#parts.keepAlive ? 'keep-alive' : 'close'],
      ...optional('Content-Length', hasBody ? String(body?.length ?? 0) : undefined),
      ...optional('Upgrade-Insecure-Requests', isNavigation ? '1' : undefined),
      ['User-Agent', this.#parts.userAgent],
      ...optional(
        'Accept',
        named('accept')
          ? undefined
          : isNavigation
            ? 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
            : '*/*',
      ),
      ...headers,
      ...optional('Origin', originHeaderOf(situation)),
      ...(this.#parts.habits.fetchMetadata ? fetchMetadataOf(situation) : []),
      ...optional('Referer', refererOf(situation)),
      ['Accept-Language', 'en-GB,en;q=0.9'],
      ...optional('Cookie', this.cookieHeader(task)),
      ...this.#parts.headers,
    ];
  }

  /** The `Cookie` header of the task, or `undefined`. */
  cookieHeader(task: Task): string | undefined {
    if (!this.#sendsCookies(task)) return undefined;
    const { situation } = task;
    const context = cookieContextOf(situation, this.#parts.habits);
    const cookies = this.#parts.jar.cookiesFor(currentUrl(situation), { context, method: situation.method });
    return cookies.length === 0
      ? undefined
      : cookies.map(({ name, value }) => (name === '' ? value : `${name}=${value}`)).join('; ');
  }

  #sendsCookies({ situation, credentials }: Task): boolean {
    const { initiator, urls } = situation;
    return (
      credentials === 'include' ||
      (credentials === 'same-origin' && (!initiator || urls.every((url) => isSameOrigin(initiator, url))))
    );
  }
}

function redirected(task: Task, { status, location }: { status: number; location: string }): Task {
  const { situation } = task;
  const next = new URL(location, currentUrl(situation));
  const { method, keepsBody } = afterRedirect(status, situation.method);
  const isContent = ([name]: readonly [string, string]): boolean => name.toLowerCase() === 'content-type';
  return {
    ...task,
    situation: { ...situation, method, urls: [...situation.urls, next] },
    headers: keepsBody ? task.headers : task.headers.filter((field) => !isContent(field)),
    body: keepsBody ? task.body : undefined,
  };
}

function isReadable({ situation, credentials, cors }: Task, headers: Fields): boolean {
  const { initiator, urls, mode } = situation;
  if (mode === 'navigate' || !initiator || urls.every((url) => isSameOrigin(initiator, url))) return true;
  return (
    cors &&
    mayRead(headers, { origin: originHeaderOf(situation) ?? initiator.origin, credentials: credentials === 'include' })
  );
}
