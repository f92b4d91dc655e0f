/**
 * Claimcheck as it is deployed: processes of its own behind one public origin,
 * with an authorization server that lives in the test.
 *
 * What is done to a deployment, and what its people must not notice of it, is in
 * the tests; who calls it while that is done is in test/support/traffic.ts.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../demo/authorization-server.ts';
import { type OrdersApi, startOrdersApi } from '../../demo/orders-api.ts';
import { Browser } from '../support/browser.ts';
import { type ServerProcess, startServer } from '../support/processes.ts';
import type { Caller } from '../support/traffic.ts';
import { client, reserveAddress } from '../support/world.ts';

/** How a deployment differs from the usual one. */
export interface DeploymentOptions {
  /** How many processes; 1 unless told otherwise. */
  readonly instances?: number;
  readonly redisUrl?: string;
  readonly provider?: AuthorizationServerOptions;
  /** Settings beside or instead of the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** The text of the rules file for an upstream of the test's own; without it `/api` goes to the orders API. */
  readonly rules?: string;
}

/** Somebody who signed in: a browser, and what a program needs to call in its name. */
export interface Person extends Caller {
  readonly login: 'alice' | 'bob';
  readonly browser: Browser;
  readonly csrfToken: string;
  /** The handle that `/session` shows. */
  readonly sessionId: string;
}

/** What is read of `/session`. */
interface SignedInSession {
  readonly authenticated: boolean;
  readonly csrf_token: string;
  readonly session: { readonly id: string };
}

interface Parts extends Pick<Deployment, 'origin' | 'instances' | 'provider' | 'orders'> {
  /** For the rules file. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A running deployment. */
export class Deployment {
  readonly origin: string;
  readonly instances: readonly ServerProcess[];
  readonly provider: AuthorizationServer;
  readonly orders: OrdersApi;
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string>>;

  /** Use {@link startDeployment}. */
  constructor(parts: Parts) {
    this.origin = parts.origin;
    this.instances = parts.instances;
    this.provider = parts.provider;
    this.orders = parts.orders;
    this.#directory = parts.directory;
    this.#env = parts.env;
  }

  /** The public ports of the processes, in their order. */
  get ports(): readonly number[] {
    return this.instances.map((instance) => instance.port());
  }

  /** Where Claimcheck serves the numbers of the process, by `/readyz` and the like. */
  ops(instance: ServerProcess, path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${instance.port('OPS_PORT')}${path}`);
  }

  /** The first process; the only one of a deployment of one. */
  get instance(): ServerProcess {
    const [first] = this.instances;
    if (!first) throw new Error('this deployment has no process');
    return first;
  }

  /** A new browser that reaches the origin at one of the processes; the first unless told otherwise. */
  browser(instance: ServerProcess = this.instance): Browser {
    return new Browser({ reach: { [this.origin]: `http://127.0.0.1:${instance.port()}` } });
  }

  /** Signs somebody in with a new browser. Throws when that does not end on the page. */
  async signIn(login: 'alice' | 'bob' = 'alice', instance: ServerProcess = this.instance): Promise<Person> {
    const browser = this.browser(instance);
    const home = { from: `${this.origin}/` };
    const landed = await browser.navigate(`${this.origin}/login?login_hint=${login}`, home);
    const session = (await browser.fetch(`${this.origin}/session`, home)).json<SignedInSession>();
    if (!session.authenticated) throw new Error(`signing in ended at ${landed.url} with ${landed.status}`);
    const cookie = browser.cookieHeader(`${this.origin}/api/orders`, home) ?? '';
    const host = new URL(this.origin).host;
    return { login, browser, cookie, host, csrfToken: session.csrf_token, sessionId: session.session.id };
  }

  /** The settings of one more process of this deployment, with another Redis. */
  envFor({ redisUrl }: { readonly redisUrl: string }): Readonly<Record<string, string>> {
    return { ...this.#env, REDIS_URL: redisUrl };
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.stop()));
    await this.orders.close();
    await this.provider.close();
    await rm(this.#directory, { recursive: true });
  }
}

/** Starts a deployment. Rejects with what a process printed when it does not become ready. */
export async function startDeployment(options: DeploymentOptions = {}): Promise<Deployment> {
  const { origin, redirectUri } = await reserveAddress();
  const directory = await mkdtemp(join(tmpdir(), 'claimcheck-deployment-'));
  const provider = await startAuthorizationServer({
    ...options.provider,
    clients: [
      {
        clientId: client.id,
        clientSecret: client.secret,
        redirectUris: [redirectUri],
        postLogoutRedirectUris: [`${origin}/`],
      },
    ],
  });
  const orders = await startOrdersApi({ issuer: provider.issuer, audience: provider.resource });
  const env = {
    ...commonEnv({ origin, issuer: provider.issuer }),
    ...(await apiEnv(options.rules, { directory, orders })),
    ...(options.redisUrl === undefined ? { SESSION_STORE: 'memory' } : { REDIS_URL: options.redisUrl }),
    ...options.env,
  };
  const instances = await Promise.all(
    Array.from({ length: options.instances ?? 1 }, () =>
      startServer({ entry: 'src/main.ts', ports: ['PORT', 'OPS_PORT'], env }),
    ),
  );
  return new Deployment({ origin, instances, provider, orders, directory, env });
}

/** The settings of every Claimcheck here that are neither its ports nor its upstreams. */
export function commonEnv({ origin, issuer }: { origin: string; issuer: string }): Readonly<Record<string, string>> {
  return {
    PUBLIC_URL: origin,
    ISSUER: issuer,
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
    SCOPES: 'openid profile email offline_access orders.read orders.write',
    API_AUDIENCE: 'https://orders.example.test',
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
  };
}

async function apiEnv(
  rules: string | undefined,
  { directory, orders }: { directory: string; orders: OrdersApi },
): Promise<Readonly<Record<string, string>>> {
  if (rules === undefined) return { API_UPSTREAM: orders.url };
  const file = join(directory, 'rules.yaml');
  await writeFile(file, rules);
  return { RULES_FILE: file };
}
