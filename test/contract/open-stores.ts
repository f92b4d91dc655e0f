/**
 * Settings of Redis that production refuses, and what is told of each, word for word.
 *
 * @module
 */

import type { Environment } from '../../src/config/environment.ts';

/** What is changed of settings that start in production, and the faults that this makes. */
export type Row = readonly [name: string, changes: Environment, faults: readonly string[]];

/** A Redis that others on the network could use. */
export const openStores: readonly Row[] = [
  [
    'no Redis',
    { REDIS_URL: undefined },
    [
      'REDIS_URL: is missing, and needed unless SESSION_STORE is memory. Where sessions lie: redis:// or rediss:// (with TLS), with user and password. For example rediss://claimcheck:…@redis.internal:6379',
    ],
  ],
  [
    'a Redis on this machine whose sentinels name masters elsewhere',
    { REDIS_URL: 'redis-sentinel://:a-long-enough-word@127.0.0.1/main' },
    [
      'REDIS_URL: must be rediss:// with a password when Redis is on another machine. INSECURE_ALLOW_PLAIN_REDIS=true allows less.',
    ],
  ],
  [
    'a Redis without a password',
    { REDIS_URL: 'rediss://redis.internal' },
    [
      'REDIS_URL: must be rediss:// with a password when Redis is on another machine. INSECURE_ALLOW_PLAIN_REDIS=true allows less.',
    ],
  ],
  [
    'a Redis without TLS',
    { REDIS_URL: 'redis://:pw@redis.internal' },
    [
      'REDIS_URL: must be rediss:// with a password when Redis is on another machine. INSECURE_ALLOW_PLAIN_REDIS=true allows less.',
    ],
  ],
];
