/**
 * The whole demo in one process: authorization server, orders API, and Claimcheck
 * between them and the browser.
 *
 * @module
 */

import { start } from '../src/main.ts';
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts';
import { freePort, isPortTaken } from './loopback.ts';
import { type OrdersApi, startOrdersApi } from './orders-api.ts';
import { people } from './people.ts';
import {
  claimcheckClient,
  claimcheckEnvironment,
  type Environment,
  type PortName,
  portFrom,
  portTakenFault,
} from './settings.ts';

/** A running demo. */
export interface Demo {
  /** The address to open, for example `http://localhost:3000`. */
  readonly url: string;
  /** Where Claimcheck answers `/readyz` and `/metrics`. */
  readonly opsUrl: string;
  readonly authorizationServer: AuthorizationServer;
  readonly ordersApi: OrdersApi;
  /** What to tell the person who started it. */
  readonly greeting: string;
  /** Stops all three, Claimcheck first. */
  close(): Promise<void>;
}

/** Starts everything, or nothing. Throws a `DemoFault` for a port that is taken. */
export async function startDemo(env: Environment): Promise<Demo> {
  const ports = await choosePorts(env);
  const client = claimcheckClient(ports.PORT);
  await using started = new AsyncDisposableStack();

  const authorizationServer = await startAuthorizationServer({ port: ports.DEMO_AS_PORT, clients: [client] });
  started.defer(() => authorizationServer.close());
  const { issuer, resource } = authorizationServer;
  const ordersApi = await startOrdersApi({ port: ports.DEMO_API_PORT, issuer, audience: resource });
  started.defer(() => ordersApi.close());
  const facts = { port: ports.PORT, opsPort: ports.OPS_PORT, issuer, resource, apiUrl: ordersApi.url, client };
  const claimcheck = await start(claimcheckEnvironment(env, facts));
  started.defer(() => claimcheck.close());

  // From here on the caller stops it; before, whatever fails stops what was started.
  const running = started.move();
  const parts = { url: claimcheck.url, opsUrl: claimcheck.opsUrl, authorizationServer, ordersApi };
  return { ...parts, greeting: greetingOf(parts, env), close: () => running.disposeAsync() };
}

/** Asks for all ports before anything starts, so that the first fault is not half a demo away. */
async function choosePorts(env: Environment): Promise<Readonly<Record<PortName, number>>> {
  const wanted = {
    PORT: portFrom(env, 'PORT'),
    OPS_PORT: portFrom(env, 'OPS_PORT'),
    DEMO_AS_PORT: portFrom(env, 'DEMO_AS_PORT'),
    DEMO_API_PORT: portFrom(env, 'DEMO_API_PORT'),
  };
  // A browser may look for localhost at ::1 first; somebody else's page there would be taken for ours.
  await checkFree('PORT', { port: wanted.PORT, hosts: ['127.0.0.1', '::1'] });
  for (const name of ['OPS_PORT', 'DEMO_AS_PORT', 'DEMO_API_PORT'] as const) {
    await checkFree(name, { port: wanted[name], hosts: ['127.0.0.1'] });
  }
  return { ...wanted, PORT: wanted.PORT || (await freePort()), OPS_PORT: wanted.OPS_PORT || (await freePort()) };
}

async function checkFree(
  name: PortName,
  at: { readonly port: number; readonly hosts: readonly string[] },
): Promise<void> {
  if (at.port !== 0 && (await isPortTaken(at.port, at.hosts))) throw portTakenFault(name, at.port);
}

function greetingOf(
  parts: Pick<Demo, 'url' | 'opsUrl' | 'authorizationServer' | 'ordersApi'>,
  env: Environment,
): string {
  return `
  Claimcheck demo

  Open        ${parts.url}
  Sign in as  ${people.map(({ name }) => name).join(' or ')}; no password needed
  Sessions    ${env.REDIS_URL ? 'in Redis (REDIS_URL)' : 'in memory; with REDIS_URL they are kept in Redis'}

  Behind it   authorization server ${parts.authorizationServer.url}
              orders API           ${parts.ordersApi.url}
              operations           ${parts.opsUrl}/metrics

  Ctrl-C stops everything.
`;
}
