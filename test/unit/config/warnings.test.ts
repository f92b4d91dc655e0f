/**
 * What is allowed and still worth a line at start, word for word.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/config/environment.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { development, edwardsPem, filesWith, production } from './settings.ts';

const files = filesWith({
  'key.pem': edwardsPem(),
  'plain.yaml':
    'routes: [{ path: /api/a, upstream: http://a.internal, insecureAllowHttpUpstream: true }, { path: /api/b, upstream: https://b.internal }]',
});

const warningsOf = (env: Environment) => loadConfig(env, files).warnings;

const strongest: Environment = {
  ...production,
  CLIENT_SECRET: undefined,
  CLIENT_AUTH_METHOD: 'private_key_jwt',
  CLIENT_KEY_FILE: 'key.pem',
};

describe('a warning', () => {
  it('CA-02: is not given where nothing is weak', () => {
    expect(warningsOf(strongest)).toEqual([]);
  });

  it('CA-02: is given of a client that proves itself by a shared secret', () => {
    expect(warningsOf(production)).toEqual([
      'CLIENT_AUTH_METHOD: private_key_jwt is stronger than a shared secret (RFC 9700, 2.5).',
    ]);
  });

  it('CA-13: is given of a shared secret that is short', () => {
    const short = production.CLIENT_SECRET.slice(0, 31);

    expect(warningsOf({ ...production, CLIENT_SECRET: short })).toEqual([
      'CLIENT_AUTH_METHOD: private_key_jwt is stronger than a shared secret (RFC 9700, 2.5).',
      'CLIENT_SECRET has less than 32 characters. Ask your provider for a longer one.',
    ]);
    expect(warningsOf({ ...production, CLIENT_SECRET: production.CLIENT_SECRET.slice(0, 32) })).toHaveLength(1);
  });

  it('TL-06: is given of a Redis that is allowed to be plain', () => {
    const plain = { REDIS_URL: 'redis://redis.internal', INSECURE_ALLOW_PLAIN_REDIS: 'true' };

    expect(warningsOf({ ...strongest, ...plain })).toEqual([
      'INSECURE_ALLOW_PLAIN_REDIS: whoever is on the way to Redis can delete and replay sessions.',
    ]);
  });

  it('TL-07: is given of each route that is allowed to be plain', () => {
    expect(warningsOf({ ...strongest, API_UPSTREAM: undefined, RULES_FILE: 'plain.yaml' })).toEqual([
      'RULES_FILE: /api/a: whoever is on the way to the upstream can read tokens and answers.',
    ]);
  });

  it('is given of cookies without prefix and of sessions in memory on this machine', () => {
    expect(warningsOf(development)).toEqual([
      'PUBLIC_URL is on a loopback name: cookies have no __Host- prefix, and no Secure over http. For development.',
      'SESSION_STORE=memory: a restart signs everybody out.',
    ]);
  });
});
