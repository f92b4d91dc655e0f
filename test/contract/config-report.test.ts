/**
 * How the faults of a configuration are told together, and what somebody reads
 * who has not configured anything.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { ConfigError } from '../../src/config/faults.ts';
import { settingNames, settingOf } from '../../src/config/schema.ts';
import { errorOf, faultsOf, filesWith, keyOf, production } from '../unit/config/settings.ts';

const namesIn = (faults: readonly string[]) => faults.map((fault) => fault.replace(/:.*/, ''));

describe('all faults at once', () => {
  it('TL-07: are told in one go, in the order of the documentation', () => {
    const env = {
      PORT: 'x',
      PUBLIC_URL: 'x',
      LOG_LEVEL: 'x',
      CSRF_MODE: 'x',
      SESION_STORE: 'memory',
      ISSUER: 'x',
      REDIS_URL: 'x',
    };
    const names = namesIn(faultsOf(env));

    expect(faultsOf(production)).toEqual([]);
    expect(names).toEqual([
      ...settingNames.filter((name) => name in env || settingOf(name).needed !== undefined),
      'SESION_STORE',
    ]);
  });

  it('TL-07: of a rules file are told beside those of settings', () => {
    const content = [
      'routes:',
      '  - { path: /api/a/, upstream: https://a.internal }',
      '  - { path: /api/b, upstream: https://b.internal, acess: public }',
      '  - { path: /api/c, upstream: http://c.internal }',
      '  - { path: /api/d, upstream: https://d.internal, access: public, token: user }',
      'default: deny',
    ].join('\n');
    const env = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'many.yaml' };
    const good = filesWith({ 'many.yaml': 'routes: [{ path: /api, upstream: https://a.internal }]' });

    expect(faultsOf(env, good)).toEqual([]);
    expect(faultsOf({ ...env, PORT: 'x' }, filesWith({ 'many.yaml': content }))).toEqual([
      'PORT: must be a whole number from 0 to 65535.',
      'RULES_FILE routes[0].path (line 2): must be /api or a path below it, of letters, digits and . _ ~ -, without a slash at the end.',
      'RULES_FILE routes[1] (line 3): has the key "acess", which is not known. Did you mean access?',
      'RULES_FILE: has the key "default", which is not known.',
      'RULES_FILE routes[2].upstream (line 4): must be https unless it is on this machine. insecureAllowHttpUpstream: true allows plain http for this route.',
      'RULES_FILE routes[3].token (line 5): must be none or client where access is public: nobody is signed in.',
    ]);
  });

  it('says how many there are, and what to read', () => {
    const error = errorOf({ ...production, PORT: 'x', LOG_LEVEL: 'x' });

    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toBe('ConfigError: the configuration has 2 faults');
    expect(error.report()).toBe(
      [
        'Claimcheck cannot start:',
        '',
        '  - PORT: must be a whole number from 0 to 65535.',
        '  - LOG_LEVEL: must be debug, info, warn, error or silent.',
        '',
        'docs/configuration.md describes every setting; .env.example is a file to start from.',
        'To try Claimcheck without any of them: npm run demo',
      ].join('\n'),
    );
  });
});

describe('no configuration at all', () => {
  it.each([
    ['nothing is set', {}],
    ['only an address is set, as an image does it', { HOST: '0.0.0.0', OPS_HOST: '0.0.0.0' }],
    ['everything that is needed is empty, as in .env.example', { ISSUER: '', CLIENT_SECRET: '', REDIS_URL: '' }],
  ] satisfies (readonly [string, Environment])[])('lists what is needed with a line each when %s', (_name, env) => {
    const error = errorOf(env);

    expect(error.report()).toBe(
      [
        'Claimcheck is not configured yet. It needs these in the environment, or in a file .env here:',
        '',
        '  PUBLIC_URL       The origin of the page as browsers see it. For example https://app.example',
        '  ISSUER           The issuer identifier of the authorization server, exactly as its metadata states it. For example https://login.example',
        '  CLIENT_ID        Our client identifier at the authorization server. For example orders-app',
        '  CLIENT_SECRET    Our client secret, as the provider gave it. (Not needed where CLIENT_AUTH_METHOD is private_key_jwt or a TLS method.)',
        "  SESSION_SECRETS  Random keys that seal sessions and sign cookies. Made by: openssl rand -base64 32 | tr '+/' '-_' | tr -d =",
        '  REDIS_URL        Where sessions lie: redis:// or rediss:// (with TLS), with user and password. For example rediss://claimcheck:…@redis.internal:6379 (Not needed where SESSION_STORE is memory.)',
        '  API_UPSTREAM     Where all of /api goes: /api/orders/7 to /orders/7 below this URL. For example https://orders.internal/v2 (Not needed where RULES_FILE is given.)',
        '',
        'docs/configuration.md describes every setting; .env.example is a file to start from.',
        'To try Claimcheck without any of them: npm run demo',
      ].join('\n'),
    );
  });

  it('is not what somebody has who began', () => {
    const error = errorOf({ ISSUER: 'https://login.example', SESSION_SECRETS: keyOf() });

    expect(error.isEmpty).toBe(false);
    expect(faultsOf({ ...production, ISSUER: undefined })).toHaveLength(1);
  });
});
