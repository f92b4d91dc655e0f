/**
 * Everything at once, on 127.0.0.1: an authorization server, an API, and
 * Claimcheck before them, in this process, with real sockets.
 *
 * Claimcheck is configured by the same environment variables as in production
 * and runs the same code; only its clock and the stream of its log are ours.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../demo/authorization-server.ts';
import { type OrdersApi, startOrdersApi } from '../../demo/orders-api.ts';
import { type App, createApp } from '../../src/app.ts';
import { Trail } from '../../src/audit/trail.ts';
import { type Files, filesOnDisk } from '../../src/config/files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { rereadConfig } from '../../src/config/reread.ts';
import { Browser, type BrowserOptions } from './browser.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { ShiftedClock } from './shifted-clock.ts';

/** How a world differs from the usual one. */
export interface WorldOptions {
  /** Settings of Claimcheck beside or instead of the usual ones; `undefined` leaves one out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The authorization server; the demo's unless another issuer is given. */
  readonly provider?: AuthorizationServerOptions;
  /** An issuer of the test's own; then no demo server and no orders API are started. `CLIENT_ID` and `CLIENT_SECRET` are below. */
  readonly issuer?: string;
  /** Where `/api` goes; the orders API unless told otherwise. */
  readonly upstream?: string;
  readonly redisUrl?: string;
  /** Files that the settings name, by path; others are read from the disk. */
  readonly files?: Record<string, string>;
  readonly clock?: ShiftedClock;
}

/** The client that every world's Claimcheck is. */
export const client = { id: 'claimcheck-test', secret: 'a:b+c%26/=-and-long-enough-for-a-secret' } as const;

/** Where Claimcheck of a world is reached, before it is started: for a provider that must know it. */
export interface Address {
  readonly port: number;
  readonly origin: string;
  readonly redirectUri: string;
}

/** A free address for a Claimcheck. */
export async function reserveAddress(): Promise<Address> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  return { port, origin, redirectUri: `${origin}/callback` };
}

/** A running world. */
export interface World {
  readonly origin: string;
  readonly port: number;
  readonly opsUrl: string;
  readonly clock: ShiftedClock;
  readonly app: App;
  /** The settings that it was started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Lines of the log so far, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** The log as it was written. */
  logText(): string;
  /** The demo's authorization server; throws when the test has its own. */
  readonly provider: AuthorizationServer;
  readonly orders: OrdersApi;
  /** A new browser profile that can reach this world. */
  browser(options?: BrowserOptions): Browser;
  /** Signs in by `login_hint`, as a link of the page would, and returns the browser. */
  signIn(login?: 'alice' | 'bob', browser?: Browser): Promise<Browser>;
  /** `GET /session` as the page does it. */
  session(browser: Browser): Promise<Readonly<Record<string, unknown>> & { readonly csrf_token: string }>;
  /** Reads the configuration again, as on SIGHUP. `changes` are settings that differ from those of the start. */
  reload(changes?: Readonly<Record<string, string | undefined>>): boolean;
  close(): Promise<void>;
}

/** Starts a world. `at` is given when something else had to know its address first. */
export async function startWorld(options: WorldOptions = {}, at?: Address): Promise<World> {
  const address = at ?? (await reserveAddress());
  const demo = options.issuer === undefined ? await startDemoParts(options, address) : undefined;
  const clock = options.clock ?? new ShiftedClock();
  const lines: string[] = [];
  const trail = new Trail({ level: 'debug', stream: { write: (line: string) => lines.push(line) } });
  const env = environmentOf(options, {
    address,
    issuer: options.issuer ?? demo?.provider.issuer,
    api: options.upstream ?? demo?.orders.url,
  });
  const files: Files = { readFile: (path) => options.files?.[path] ?? filesOnDisk.readFile(path) };
  const config = loadConfig(env, files);
  const app = createApp(config, { trail, clock });
  const { port, operationsPort } = await app.listen();
  await app.ready();
  if (options.redisUrl !== undefined) await reached(app);
  const reload: World['reload'] = (changes = {}) =>
    app.reload(rereadConfig({ started: env, now: { ...env, ...changes }, files, serving: config }));
  return worldOf({ address: { ...address, port }, app, env, clock, lines, demo, operationsPort, reload });
}

// The connection to Redis is made in the background, and takes its time on a busy machine. A test may have none to connect to.
async function reached(app: App): Promise<void> {
  const isThere = async () => (await app.report()).readiness.store;
  await eventually(isThere, 2_000).catch((late: unknown) => late);
}

interface DemoParts {
  readonly provider: AuthorizationServer;
  readonly orders: OrdersApi;
}

async function startDemoParts(
  { provider: chosen }: WorldOptions,
  { origin, redirectUri }: Address,
): Promise<DemoParts> {
  const provider = await startAuthorizationServer({
    ...chosen,
    clients: [
      {
        clientId: client.id,
        clientSecret: client.secret,
        redirectUris: [redirectUri],
        postLogoutRedirectUris: [`${origin}/`],
        backchannelLogoutUri: `${origin}/backchannel-logout`,
      },
      ...(chosen?.clients ?? []),
    ],
  });
  const orders = await startOrdersApi({ issuer: provider.issuer, audience: provider.resource });
  return { provider, orders };
}

function environmentOf(
  { env, redisUrl }: WorldOptions,
  parts: { readonly address: Address; readonly issuer: string | undefined; readonly api: string | undefined },
): Readonly<Record<string, string | undefined>> {
  return {
    HOST: '127.0.0.1',
    PORT: String(parts.address.port),
    OPS_PORT: '0',
    PUBLIC_URL: parts.address.origin,
    ISSUER: parts.issuer,
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
    SCOPES: 'openid profile email offline_access orders.read orders.write',
    API_AUDIENCE: 'https://orders.example.test',
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
    API_UPSTREAM: env?.['RULES_FILE'] === undefined ? parts.api : undefined,
    PUBLIC_DIR: 'public',
    SHUTDOWN_TIMEOUT: '2s',
    ...(redisUrl === undefined ? { SESSION_STORE: 'memory' } : { REDIS_URL: redisUrl }),
    ...env,
  };
}

interface RunningParts {
  readonly address: Address;
  readonly app: App;
  readonly env: World['env'];
  readonly clock: ShiftedClock;
  readonly lines: readonly string[];
  readonly demo: DemoParts | undefined;
  readonly operationsPort: number;
  readonly reload: World['reload'];
}

function worldOf({ address, app, env, clock, lines, demo, operationsPort, reload }: RunningParts): World {
  const { origin, port } = address;
  const demoParts = () => {
    if (!demo) throw new Error('this world has no demo parts: the test gave its own issuer');
    return demo;
  };
  const browser = (options: BrowserOptions = {}) => new Browser({ now: () => clock.now(), ...options });
  return {
    origin,
    port,
    opsUrl: `http://127.0.0.1:${operationsPort}`,
    clock,
    app,
    env,
    reload,
    get log() {
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>); // each line is one JSON object
    },
    logText: () => lines.join(''),
    get provider() {
      return demoParts().provider;
    },
    get orders() {
      return demoParts().orders;
    },
    browser,
    signIn: async (login = 'alice', who = browser()) => {
      const answer = await who.navigate(`${origin}/login?login_hint=${login}`, { from: `${origin}/` });
      if (answer.status !== 200) throw new Error(`signing in ended at ${answer.url} with ${answer.status}`);
      return who;
    },
    session: async (who) => (await who.fetch(`${origin}/session`, { from: `${origin}/` })).json(),
    close: async () => {
      await app.close();
      await demo?.orders.close();
      await demo?.provider.close();
    },
  };
}
