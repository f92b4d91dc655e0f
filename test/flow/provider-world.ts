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
export interface HostileWorld {
  readonly world: World;
  readonly hostile: HostileProvider;
  /** Puts every switch back and lets the limit of starts pass. */
  refresh(): void;
  close(): Promise<void>;
}

/** Starts both. Nothing answers at the API. */
export async function startHostileWorld(
  options: WorldOptions & { readonly hostile?: HostileProviderOptions } = {},
): Promise<HostileWorld> {
  const clock = options.clock ?? new ShiftedClock();
  const clients = [{ clientId: client.id, clientSecret: client.secret }];
  const hostile = await startHostileProvider({ clients, clock, ...options.hostile });
  const world = await startWorld({ issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', ...options, clock });
  return {
    world,
    hostile,
    refresh: () => {
      hostile.reset();
      clock.advance(11_000);
    },
    close: async () => {
      await world.close();
      await hostile.close();
    },
  };
}

/** Starts a sign-in and goes up to the address that the provider sends the browser back to, which is not opened. */
export async function upToCallback({ world }: HostileWorld, browser: Browser, query = ''): Promise<URL> {
  const from = `${world.origin}/`;
  const start = await browser.navigate(`${world.origin}/login${query}`, { from, redirect: 'manual' });
  expect(start.status).toBe(303);
  const answer = await browser.navigate(start.header('location') ?? '', { from, redirect: 'manual' });
  return new URL(answer.header('location') ?? '');
}

/** Opens a callback as the provider's redirect does. */
export function land({ hostile }: HostileWorld, browser: Browser, callback: URL | string): Promise<Answer> {
  return browser.navigate(String(callback), { from: `${hostile.issuer}/`, redirect: 'manual' });
}

/** The whole way, up to the answer of the callback. */
export async function signIn(at: HostileWorld, browser: Browser = at.world.browser(), query = ''): Promise<Answer> {
  return land(at, browser, await upToCallback(at, browser, query));
}

/** The lines that set the session cookie. */
export function sessionCookies({ headers }: Pick<Hop, 'headers'>): readonly string[] {
  return headers
    .filter(([name, value]) => name.toLowerCase() === 'set-cookie' && value.startsWith('claimcheck='))
    .map(([, value]) => value);
}

/** How many of each audit event were written. */
export function countEvents({ world }: HostileWorld, event: string): number {
  return world.log.filter((line) => line['event'] === event).length;
}

/** One request by hand, for what a browser would not send: exactly these headers beside `Host`. */
export async function ask(
  { world }: HostileWorld,
  path: string,
  {
    method = 'GET',
    headers = {},
  }: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<RawResponse> {
  const lines = Object.entries({ Host: `localhost:${world.port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const { final } = await rawRequest(world.port, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, {
    responses: 1,
  });
  const [response] = final;
  if (response === undefined) throw new Error(`no answer to ${method} ${path}`);
  return response;
}
