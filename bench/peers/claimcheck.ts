/**
 * Claimcheck itself, as it is deployed: every guard, the metrics and the request
 * line on, sessions in Redis.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/ports.ts';
import { type Client, type Place, registerClient } from '../place.ts';
import { type Caller, signInMany } from '../sign-in.ts';
import { type RunningProgram, startProgram } from './child.ts';
import type { Peer, RunningPeer } from './peer.ts';

/** A start of Claimcheck: with other flags of Node for a profile, or without callers for a start that is timed. */
export interface ClaimcheckStart {
  readonly client: Client;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
}

/** The peer. */
export const claimcheck: Peer = {
  name: 'claimcheck',
  title: 'Claimcheck, every guard, metrics and request line on, sessions in Redis',
  missing: () => undefined,
  start: startClaimcheck,
};

/** The settings of one deployment: every start with them knows the same sessions. */
export async function claimcheckSettings(place: Place): Promise<ClaimcheckStart> {
  const client = await registerClient(place, '/callback');
  const rules = join(place.directory, `${client.port}.yaml`);
  const upstream = `http://127.0.0.1:${place.upstreamPort}/private`;
  writeFileSync(rules, `routes: [{ path: /api, upstream: "${upstream}", websocket: true }]\n`);
  const env = {
    PORT: String(client.port),
    OPS_PORT: String(await freePort()),
    PUBLIC_URL: client.origin,
    ISSUER: place.provider.issuer,
    CLIENT_ID: client.clientId,
    CLIENT_SECRET: client.clientSecret,
    SCOPES: 'openid profile email offline_access orders.read orders.write',
    API_AUDIENCE: place.provider.resource,
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
    RULES_FILE: rules,
    REDIS_URL: place.redis.url,
  };
  return { client, env };
}

/** Starts one process. */
export function runClaimcheck(place: Place, { client, env, nodeFlags = [] }: ClaimcheckStart): Promise<RunningProgram> {
  return startProgram(place, {
    command: [process.execPath, ...nodeFlags, 'src/main.ts'],
    port: client.port,
    env,
  });
}

/** Signs the callers in, at a process that believes where they say they are and is ended then. */
export async function signInAt(place: Place, settings: ClaimcheckStart): Promise<readonly Caller[]> {
  const forSignIn = await runClaimcheck(place, {
    ...settings,
    env: { ...settings.env, TRUSTED_PROXIES: '127.0.0.1', LOG_LEVEL: 'warn' },
  });
  const callers = await signInMany({
    origin: settings.client.origin,
    loginPath: '/login?login_hint=alice',
    csrfPath: '/session',
    count: place.sessions,
  });
  await forSignIn.stop();
  return callers;
}

/** What is measured believes no header about addresses. */
async function startClaimcheck(place: Place): Promise<RunningPeer> {
  const settings = await claimcheckSettings(place);
  const callers = await signInAt(place, settings);
  const flags = process.env['BENCH_NODE_FLAGS']?.split(' ').filter((flag) => flag !== '') ?? [];
  const { pid, stop } = await runClaimcheck(place, { ...settings, nodeFlags: flags });
  return { pid, port: settings.client.port, callers, stop };
}
