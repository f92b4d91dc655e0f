/**
 * One Claimcheck with two frontends, each before a hostile provider of its own, one
 * Redis and one API behind both.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { Answer } from '../support/browser-answer.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { rawRequest } from '../support/raw.ts';
import type { RawResponse } from '../support/raw-responses.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { reserveAddress, startWorld, type World } from '../support/world.ts';
import { sessionCookies } from './provider-world.ts';

/** One of both, as its browsers and its provider see it. */
export class Place {
  readonly id: string;
  readonly origin: string;
  readonly hostile: HostileProvider;
  readonly clientId: string;
  readonly #world: () => World;

  constructor(id: string, parts: { origin: string; hostile: HostileProvider; world: () => World }) {
    this.id = id;
    this.origin = parts.origin;
    this.hostile = parts.hostile;
    this.clientId = `${id}-client`;
    this.#world = parts.world;
  }

  /** The world as if this were its only frontend: its own address, the same process. */
  get world(): World {
    return Object.create(this.#world(), { origin: { value: this.origin } });
  }

  get host(): string {
    return new URL(this.origin).host;
  }

  /** Up to the address that the provider sends the browser back to. */
  async upToCallback(browser: Browser): Promise<URL> {
    const from = `${this.origin}/`;
    const start = await browser.navigate(`${this.origin}/login`, { from, redirect: 'manual' });
    expect(start.status).toBe(303);
    const answer = await browser.navigate(start.header('location') ?? '', { from, redirect: 'manual' });
    return new URL(answer.header('location') ?? '');
  }

  /** Opens a callback as the provider's redirect does. */
  land(browser: Browser, callback: URL): Promise<Answer> {
    return browser.navigate(callback.href, { from: `${this.hostile.issuer}/`, redirect: 'manual' });
  }

  async signIn(browser: Browser): Promise<Answer> {
    const answer = await this.land(browser, await this.upToCallback(browser));
    expect(sessionCookies(answer)).toHaveLength(1);
    return answer;
  }

  /** `GET /session` as the page does it. */
  async session(browser: Browser) {
    const answer = await browser.fetch(`${this.origin}/session`, { from: `${this.origin}/` });
    return answer.json() as {
      readonly authenticated: boolean;
      readonly csrf_token?: string;
      readonly user?: { readonly sub: string; readonly name?: string };
    };
  }

  /** A call of the page to the API. */
  call(browser: Browser, path = '/api/echo'): Promise<Answer> {
    return browser.fetch(this.origin + path, { from: `${this.origin}/` });
  }

  /** The raw session cookie of a browser that is signed in here. */
  cookieOf(browser: Browser): string {
    return browser.cookieHeader(`${this.origin}/api/x`, { from: `${this.origin}/` }) ?? '';
  }

  async signOut(browser: Browser): Promise<Answer> {
    const { csrf_token = '' } = await this.session(browser);
    const headers = { 'X-CSRF-Token': csrf_token };
    return browser.fetch(`${this.origin}/logout`, { method: 'POST', headers, from: `${this.origin}/` });
  }

  /** One request by hand, with the host of this frontend unless told otherwise. */
  ask(path: string, { headers = {}, ...more }: Partial<ByHand> = {}): Promise<RawResponse> {
    return askAt(this.#world().port, { path, headers: { Host: this.host, ...headers }, ...more });
  }

  /** Delivers a logout token to this frontend, as a provider does that finds it by its name; the status. */
  async deliver(token: string): Promise<number> {
    const body = new URLSearchParams({ logout_token: token }).toString();
    const headers = {
      Host: this.host,
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': String(body.length),
    };
    return (await askAt(this.#world().port, { path: '/backchannel-logout', method: 'POST', headers, body })).status;
  }
}

/** A request by hand: exactly these headers. */
export interface ByHand {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: string;
}

/** Sends it. */
export async function askAt(port: number, { path, headers, method = 'GET', body = '' }: ByHand): Promise<RawResponse> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const bytes = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
  const { final } = await rawRequest(port, bytes, { responses: 1 });
  const [response] = final;
  if (response === undefined) throw new Error(`no answer to ${method} ${path}`);
  return response;
}

/** How it differs from the usual one. */
export interface FrontendsOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Further lines of each entry, indented by four. */
  readonly orders?: readonly string[];
  readonly desk?: readonly string[];
  /** Both are clients of the first provider; the second is there and has nobody. */
  readonly oneProvider?: boolean;
  /** Before Claimcheck is started. */
  readonly arrange?: (providers: { readonly one: HostileProvider; readonly two: HostileProvider }) => void;
}

/** All of it. */
export interface Frontends {
  readonly world: World;
  readonly orders: Place;
  readonly desk: Place;
  readonly redis: RedisServer;
  readonly upstream: Upstream;
  readonly clock: ShiftedClock;
  /** The rules file, as it was written first. */
  readonly rules: string;
  /** Writes another one. */
  write(text: string): Promise<void>;
  /** A browser to which both are there. */
  browser(): Browser;
  /** Puts every switch back, and lets the limit of starts pass. */
  refresh(): void;
  close(): Promise<void>;
}

/** Starts all of it. Each frontend has a page of its own, and the API at other paths. */
export async function startFrontends(options: FrontendsOptions = {}): Promise<Frontends> {
  const clock = new ShiftedClock();
  const [address, folder, redis, upstream] = await Promise.all([
    reserveAddress(),
    mkdtemp(join(tmpdir(), 'claimcheck-frontends-')),
    startRedis(),
    startUpstream(),
  ]);
  const secrets = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')] as const;
  const [first, second] = [
    { clientId: 'orders-client', clientSecret: secrets[0] },
    { clientId: 'desk-client', clientSecret: secrets[1] },
  ];
  const [one, other] = await Promise.all([
    startHostileProvider({ clients: options.oneProvider ? [first, second] : [first], clock }),
    startHostileProvider({ clients: [second], clock }),
  ]);
  const two = options.oneProvider ? one : other;
  options.arrange?.({ one, two });
  const originOf = (id: string) => `http://${id}.localhost:${address.port}`;
  const path = join(folder, 'claimcheck.yaml');
  const rules = rulesOf({ providers: { orders: one, desk: two }, upstream, originOf, folder, options });
  await writeFile(path, rules);
  for (const id of ['orders', 'desk']) await writePage(join(folder, id), id);
  const world = await startWorld(
    {
      issuer: one.issuer,
      redisUrl: redis.url,
      clock,
      env: {
        ...{ PUBLIC_URL: undefined, ISSUER: undefined, CLIENT_ID: undefined, CLIENT_SECRET: undefined },
        ...{ API_AUDIENCE: undefined, RULES_FILE: path, PUBLIC_DIR: undefined },
        ...{ SECRET_OF_ORDERS: secrets[0], SECRET_OF_DESK: secrets[1] },
        ...options.env,
      },
    },
    address,
  );
  const placeOf = (id: string, hostile: HostileProvider) =>
    new Place(id, { origin: originOf(id), hostile, world: () => world });
  const reach = Object.fromEntries(['orders', 'desk'].map((id) => [originOf(id), `http://127.0.0.1:${address.port}`]));
  return {
    ...{ world, redis, upstream, clock, rules },
    orders: placeOf('orders', one),
    desk: placeOf('desk', two),
    write: (text) => writeFile(path, text),
    browser: () => world.browser({ reach }),
    refresh() {
      one.reset();
      two.reset();
      upstream.forget();
      clock.advance(11_000);
    },
    async close() {
      await world.close();
      await Promise.all([one.close(), other.close(), redis.stop(), upstream.stop()]);
      await rm(folder, { recursive: true });
    },
  };
}

async function writePage(directory: string, id: string): Promise<void> {
  await mkdir(directory);
  await writeFile(join(directory, 'index.html'), `<title>${id}</title>`);
}

interface RulesParts {
  readonly providers: Readonly<Record<'orders' | 'desk', HostileProvider>>;
  readonly upstream: Upstream;
  readonly originOf: (id: string) => string;
  readonly folder: string;
  readonly options: FrontendsOptions;
}

function rulesOf({ providers, upstream, originOf, folder, options }: RulesParts): string {
  const entry = (id: 'orders' | 'desk') => [
    `  - id: ${id}`,
    `    public_url: ${originOf(id)}`,
    `    issuer: ${providers[id].issuer}`,
    `    client_id: ${id}-client`,
    ...((options[id] ?? []).some((line) => line.startsWith('client_auth_method'))
      ? []
      : [`    client_secret_env: SECRET_OF_${id.toUpperCase()}`]),
    `    public_dir: ${join(folder, id)}`,
    ...(options[id] ?? []).map((line) => `    ${line}`),
  ];
  return [
    'frontends:',
    ...entry('orders'),
    ...entry('desk'),
    '    routes:',
    `      - { path: /api/echo, upstream: "${upstream.origin}/of-desk", websocket: true }`,
    'routes:',
    `  - { path: /api/echo, upstream: "${upstream.origin}/of-orders", websocket: true }`,
    `  - { path: /api/orders, upstream: "${upstream.origin}/orders" }`,
    '',
  ].join('\n');
}
