/**
 * Makes the client keys that the server keeps by itself, where the configuration
 * asks for them.
 *
 * @module
 */

import type { Trail } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Config, FrontendConfig } from '../config/config.ts';
import { clientScopeOf } from '../http/frontend.ts';
import { TextSeal } from '../keys/text-seal.ts';
import type { Redis } from '../redis/client.ts';
import { RedisKeyListStore } from './client-key-store.ts';
import { ManagedClientKeys } from './managed-client-keys.ts';

/** What they are made from. */
export interface ClientKeysBase {
  readonly config: Pick<FrontendConfig, 'issuer' | 'client'>;
  readonly sessionSecrets: Config['sessionSecrets'];
  readonly redis: Redis | undefined;
  readonly trail: Pick<Trail, 'event'>;
  readonly clock: Clock;
}

const dayMs = 86_400_000;

/** A key signs a day after it was published, or after half the rotation where that is shorter: by then every kept copy of the key set is old. */
export function leadOf(periodMs: number): number {
  return Math.min(dayMs, periodMs / 2);
}

/** The keys; `undefined` where the client has a file of them, or none. */
export function createClientKeys({
  config,
  sessionSecrets: secrets,
  redis,
  trail,
  clock,
}: ClientKeysBase): ManagedClientKeys | undefined {
  const { keyRotationMs: periodMs } = config.client;
  if (periodMs === undefined || redis === undefined) return undefined;
  const scope = clientScopeOf(config);
  const times = { periodMs, leadMs: leadOf(periodMs) };
  const dependency = 'client keys';
  return new ManagedClientKeys({
    ...{ times, clock },
    store: new RedisKeyListStore({ redis, scope, keptMs: 4 * periodMs }),
    seal: new TextSeal({ secrets, frontendId: scope, label: 'client keys' }),
    onChange: (change, key) => trail.event('client-key.changed', 'success', { key, change }),
    onTrouble: (cause) =>
      trail.event('dependency.failed', 'failure', {
        dependency,
        reason: cause instanceof Error ? cause.message : 'unknown',
      }),
  });
}
