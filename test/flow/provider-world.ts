/**
 * A world whose authorization server is the hostile one, with one time for both.
 *
 * @module
 */

import { expect } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { Answer, Hop } from '../support/browser-answer.ts';
import {
  type HostileProvider,
  type HostileProviderOptions,
  startHostileProvider,
} from '../support/hostile-provider.ts';
import { rawRequest } from '../support/raw.ts';
import type { RawResponse } from '../support/raw-responses.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { client, startWorld, type World, type WorldOptions } from '../support/world.ts';

/** Claimcheck before a hostile provider. */
export class HostileWorld {
  readonly world: World;
  readonly hostile: HostileProvider;

  /** Use {@link startHostileWorld}, or two parts that know each other. */
  constructor(world: World, hostile: HostileProvider) {
    this.world = world;
    this.hostile = hostile;
  }

  /** Puts every switch back and lets the limit of starts pass. */
  refresh(): void {
    this.hostile.reset();
    this.world.clock.advance(11_000);
  }

  /** Ends both. */
  async close(): Promise<void> {
    await this.world.close();
    await this.hostile.close();
  }

  /** Starts a sign-in and goes up to the address that the provider sends the browser back to, which is not opened. */
  async upToCallback(browser: Browser, query = ''): Promise<URL> {
    const from = `${this.world.origin}/`;
    const start = await browser.navigate(`${this.world.origin}/login${query}`, { from, redirect: 'manual' });
    expect(start.status).toBe(303);
    const answer = await browser.navigate(start.header('location') ?? '', { from, redirect: 'manual' });
    return new URL(answer.header('location') ?? '');
  }

  /** Opens a callback as the provider's redirect does. */
  land(browser: Browser, callback: URL | string): Promise<Answer> {
    return browser.navigate(String(callback), { from: `${this.hostile.issuer}/`, redirect: 'manual' });
  }

  /** The whole way, up to the answer of the callback. */
  async signIn(browser: Browser = this.world.browser(), query = ''): Promise<Answer> {
    return this.land(browser, await this.upToCallback(browser, query));
  }

  /** How many of an audit event were written. */
  countEvents(event: string): number {
    return this.world.log.filter((line) => line['event'] === event).length;
  }

  /** One request by hand, for what a browser would not send: exactly these headers beside `Host`. */
  async ask(path: string, { method = 'GET', headers = {} }: Asked = {}): Promise<RawResponse> {
    const { port } = this.world;
    const fields = Object.entries({ Host: `localhost:${port}`, ...headers });
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const { final } = await rawRequest(port, `${method} ${path} HTTP/1.1\r\n${lines}\r\n`, { responses: 1 });
    const [response] = final;
    if (response === undefined) throw new Error(`no answer to ${method} ${path}`);
    return response;
  }
}

/** A request by hand. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts both. Nothing answers at the API. */
export async function startHostileWorld(
  options: WorldOptions & {
    readonly hostile?: HostileProviderOptions;
    /** Switches that are set before Claimcheck starts. */
    readonly arrange?: (hostile: HostileProvider) => void;
  } = {},
): Promise<HostileWorld> {
  const clock = options.clock ?? new ShiftedClock();
  const clients = [{ clientId: client.id, clientSecret: client.secret }];
  const hostile = await startHostileProvider({ clients, clock, ...options.hostile });
  options.arrange?.(hostile);
  const world = await startWorld({ issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', ...options, clock });
  return new HostileWorld(world, hostile);
}

/** The lines that set the session cookie. */
export function sessionCookies({ headers }: Pick<Hop, 'headers'>): readonly string[] {
  return headers
    .filter(([name, value]) => name.toLowerCase() === 'set-cookie' && value.startsWith('claimcheck='))
    .map(([, value]) => value);
}
