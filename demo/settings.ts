/**
 * The settings of a demo: from the few a person may choose to the whole
 * environment Claimcheck is started with. Pure.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { DemoClient } from './authorization-server.ts';

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A choice that cannot be followed. The message is for the person who made it. */
export class DemoFault extends Error {
  override readonly name = 'DemoFault';
}

/** The four ports of a demo by the variable that chooses each, with what holds when it is not set. */
export const defaultPorts = { PORT: 3000, OPS_PORT: 9091, DEMO_AS_PORT: 4000, DEMO_API_PORT: 4001 } as const;

/** A variable that chooses a port. */
export type PortName = keyof typeof defaultPorts;

/** The chosen port. 0 is a free one. Throws a `DemoFault` for anything but a port number. */
export function portFrom(env: Environment, name: PortName): number {
  const text = env[name] ?? '';
  if (text === '') return defaultPorts[name];
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new DemoFault(`${name} must be a port, 0 to 65535.`);
  return Number(text);
}

/** What to say when a port is taken. */
export function portTakenFault(name: PortName, port: number): DemoFault {
  const instead = port < 65_000 ? port + 100 : defaultPorts[name] + 100;
  return new DemoFault(
    `Port ${port} is taken: stop what listens there, or choose another with ${name}=${instead} npm run demo.`,
  );
}

/** Settings of Claimcheck that are worth a try in the demo; every other variable of the shell stays outside. */
const passedOn = ['HOST', 'LOG_LEVEL', 'CSRF_MODE', 'SESSION_IDLE_TIMEOUT', 'SESSION_LIFETIME'] as const;

/** What the demo's parts have in common. */
export interface DemoFacts {
  readonly port: number;
  readonly opsPort: number;
  readonly issuer: string;
  readonly resource: string;
  readonly apiUrl: string;
  readonly client: DemoClient;
}

/** The environment for Claimcheck. Secrets are random, so every start signs everybody out. */
export function claimcheckEnvironment(env: Environment, facts: DemoFacts): Record<string, string> {
  const chosen = passedOn.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return {
    LOG_LEVEL: 'warn',
    ...Object.fromEntries(chosen),
    PORT: String(facts.port),
    OPS_PORT: String(facts.opsPort),
    PUBLIC_URL: publicUrlOf(facts.port),
    PUBLIC_DIR: resolve(import.meta.dirname, '../public'),
    ISSUER: facts.issuer,
    CLIENT_ID: facts.client.clientId,
    CLIENT_SECRET: facts.client.clientSecret,
    SCOPES: 'openid profile email offline_access orders.read orders.write',
    API_AUDIENCE: facts.resource,
    API_UPSTREAM: facts.apiUrl,
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
    ...(env.REDIS_URL ? { REDIS_URL: env.REDIS_URL } : { SESSION_STORE: 'memory' }),
  };
}

/** The client Claimcheck is at the demo's authorization server, when it listens on `port`. */
export function claimcheckClient(port: number): DemoClient {
  const publicUrl = publicUrlOf(port);
  return {
    clientId: 'claimcheck-demo',
    clientSecret: randomBytes(32).toString('base64url'),
    redirectUris: [`${publicUrl}/callback`],
    postLogoutRedirectUris: [`${publicUrl}/`],
    backchannelLogoutUri: `${publicUrl}/backchannel-logout`,
  };
}

/** `localhost`, while the authorization server is on 127.0.0.1: to a browser these are two sites, as in real life. */
function publicUrlOf(port: number): string {
  return `http://localhost:${port}`;
}
