/**
 * Three processes of Claimcheck, with one Redis, one hostile provider and the real
 * time; and beside them an operator, who has the sessions alone.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { createParts } from '../../src/app/parts.ts';
import { createShared } from '../../src/app/shared.ts';
import { Trail } from '../../src/audit/trail.ts';
import { filesOnDisk } from '../../src/config/files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Entrance } from '../support/entrance.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { call } from '../support/traffic.ts';
import { client } from '../support/world.ts';
import type { Playground } from './interleaved.ts';
import { endAllOf } from './three-instances.ts';

/** The three, and what they share. */
export interface Processes extends Playground {
  readonly fleet: Fleet;
  /** Ends connections that were idle: the servers are about to close them by themselves. */
  reconnect(): void;
  close(): Promise<void>;
}

/** Starts all of it. */
export async function startProcesses(env: Readonly<Record<string, string>>): Promise<Processes> {
  const settings = { ...env, SESSION_SECRETS: randomBytes(32).toString('base64url') };
  const fleet = await startFleet({ env: settings });
  const { origin, redis, hostile } = fleet;
  const clock = new ShiftedClock(); // never shifted
  const config = loadConfig(
    {
      ...{ ...settings, PUBLIC_URL: origin, ISSUER: hostile.issuer, REDIS_URL: redis.url },
      ...{ CLIENT_ID: client.id, CLIENT_SECRET: client.secret, API_UPSTREAM: fleet.witness.origin },
    },
    filesOnDisk,
  );
  const trail = new Trail({ level: 'error', stream: { write: () => undefined } });
  const operator = createParts(createShared(config, { trail, clock }), config.frontends[0]);
  const agent = new Agent({ keepAlive: true });
  const portOf = (at: number) => fleet.instances[at % fleet.instances.length]?.port() ?? 0;
  return {
    ...{ origin, redis, hostile, fleet, newsTakesMs: 100 },
    entrance: new Entrance({ origin, hostile, portOf }),
    send(caller, { at, method, path, csrfToken, form }) {
      const sub = 'sub' in caller ? String(caller.sub) : '';
      const page = {
        'Sec-Fetch-Site': 'same-origin',
        ...(csrfToken === undefined ? {} : { 'X-CSRF-Token': csrfToken }),
      };
      return call({
        ...{ port: portOf(at), method, agent, caller },
        path: path.startsWith('/api') ? `${path}?user=${sub}` : path, // the witness compares it with the token
        ...(form === undefined
          ? { headers: page }
          : {
              headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
              body: new URLSearchParams(form).toString(),
            }),
      });
    },
    endAllOf: (sub) => endAllOf(operator, sub),
    reconnect: () => agent.destroy(),
    newSecond: () => clock.now(),
    async close() {
      agent.destroy();
      await Promise.all([operator.store.close(), operator.provider.close(), operator.upstreams.close()]);
      await fleet.close();
    },
  };
}
