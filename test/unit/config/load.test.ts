/**
 * From an environment to a configuration.
 *
 * @module
 */

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/config/environment.ts';
import { ConfigError } from '../../../src/config/faults.ts';
import { examine, loadConfig } from '../../../src/config/load.ts';
import { settingNames, settings } from '../../../src/config/schema.ts';
import { development, edwardsPem, errorOf, faultsOf, filesWith, keyOf, production } from './settings.ts';

const faultsWith = (changes: Environment) => faultsOf({ ...production, ...changes });

/** The settings of the process and of its only frontend, in one. */
function load(changes = {}) {
  const { frontends, ...ofProcess } = loadConfig({ ...production, ...changes }, filesWith());
  return { ...frontends[0], ...ofProcess };
}

describe('loadConfig', () => {
  it('fills in what the design says where a setting is silent', () => {
    expect(load()).toMatchObject({
      listen: { host: '127.0.0.1', port: 3000 },
      operations: { host: '127.0.0.1', port: 9091 },
      tls: undefined,
      authBasePath: '',
      client: { authMethod: 'client_secret_basic', key: undefined },
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      scopesAreDefault: true,
      apiAudience: undefined,
      userClaims: ['name', 'email', 'picture'],
      providerTimeoutMs: 5000,
      strictLogoutTokens: true,
      frontChannelLogout: false,
      store: { kind: 'redis', timeoutMs: 500 },
      sessionIdleTimeoutMs: 30 * 60_000,
      sessionLifetimeMs: 8 * 3_600_000,
      page: { kind: 'files', directory: 'public' },
      corsAllowedOrigins: [],
      csrfMode: 'token',
      trustedProxies: [],
      logLevel: 'info',
      readyStrict: false,
      shutdownTimeoutMs: 20_000,
    });
  });

  it('makes API_UPSTREAM the route /api with the defaults of a route', () => {
    expect(load().routes).toEqual([
      {
        path: '/api',
        upstream: { origin: 'https://orders.internal', path: '/v2' },
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        access: 'session',
        token: 'user',
        audience: undefined,
        scopes: [],
        timeoutMs: 30_000,
        maxBody: 100 * 1024 ** 2,
        minUploadRate: 240,
        setCookies: [],
        cache: false,
        maskErrors: false,
        websocket: false,
        dpop: true,
      },
    ]);
  });

  it.each([
    ['PORT', '0', { listen: { port: 0 } }],
    ['HOST', '::', { listen: { host: '::' } }],
    ['PUBLIC_URL', 'https://app.example/', { publicUrl: 'https://app.example' }],
    ['PUBLIC_URL', 'HTTPS://App.Example:443', { publicUrl: 'https://app.example' }],
    ['PUBLIC_URL', 'https://app.example:8443', { publicUrl: 'https://app.example:8443' }],
    ['ISSUER', 'https://login.example/Realm/', { issuer: 'https://login.example/Realm/' }],
    ['ISSUER', 'https://login.example/common/v2.0', { issuer: 'https://login.example/common/v2.0' }],
    ['END_SESSION_METHOD', 'form', { dialect: { endSession: { method: 'form' } } }],
    ['ID_TOKEN_MAX_AGE', '6m', { dialect: { idTokenMaxAgeMs: 360_000 } }],
    ['AUTH_BASE_PATH', '/bff', { authBasePath: '/bff' }],
    ['SCOPES', 'openid orders.read,orders.read', { scopes: ['openid', 'orders.read'], scopesAreDefault: false }],
    ['API_AUDIENCE', 'urn:orders', { apiAudience: 'urn:orders' }],
    ['SESSION_LIFETIME', '30d', { sessionLifetimeMs: 30 * 86_400_000 }],
    ['REDIS_TIMEOUT', '250ms', { store: { kind: 'redis', timeoutMs: 250 } }],
    ['TRUSTED_PROXIES', '10.0.0.0/8, ::1', { trustedProxies: ['10.0.0.0/8', '::1'] }],
    ['CORS_ALLOWED_ORIGINS', 'https://a.app.example/', { corsAllowedOrigins: ['https://a.app.example'] }],
    ['PAGE_UPSTREAM', 'https://assets.example', { page: { kind: 'upstream', url: 'https://assets.example' } }],
    ['READY_STRICT', 'true', { readyStrict: true }],
    ['BACKCHANNEL_LOGOUT_STRICT', 'false', { strictLogoutTokens: false }],
    ['FRONTCHANNEL_LOGOUT', 'true', { frontChannelLogout: true }],
  ])('reads %s=%s', (name, text, expected) => {
    expect(load({ [name]: text })).toMatchObject(expected);
  });

  it('takes every key of SESSION_SECRETS in its order', () => {
    const [first, second] = [keyOf(), keyOf()];
    const { sessionSecrets } = load({ SESSION_SECRETS: `${first}, ${second}` });
    expect(sessionSecrets.map((secret) => secret.reveal())).toEqual([first, second]);
  });

  it('takes an empty value for none', () => {
    expect(load({ PORT: '', TRUSTED_PROXIES: '', RULES_FILE: '', PUBLIC_DIR: '' })).toEqual(load());
    expect(faultsWith({ CLIENT_ID: '' })).toEqual(faultsWith({ CLIENT_ID: undefined }));
    expect(faultsWith({ CLIENT_ID: undefined })).toHaveLength(1);
  });

  it('CA-18: shows no secret when the configuration is printed', () => {
    const config = load();
    const shown = inspect(config, { depth: 9 }) + JSON.stringify(config);
    for (const name of ['CLIENT_SECRET', 'SESSION_SECRETS', 'REDIS_URL'] as const) {
      expect(shown).not.toContain(production[name]);
    }
    expect(config.client.secret?.reveal()).toBe(production.CLIENT_SECRET);
  });

  it('tells all faults at once, in the order of the documentation, each once', () => {
    const names = faultsWith({
      PUBLIC_URL: 'app.example',
      ISSUER: undefined,
      CLIENT_SECERT: 'x',
      SESSION_LIFETIME: 'soon',
      LOG_LEVEL: 'loud',
      PORT: '99999',
      OPS_PORT: 'x',
    }).map((fault) => fault.split(':', 1)[0]);
    expect(names).toEqual([
      'PUBLIC_URL',
      'PORT',
      'ISSUER',
      'SESSION_LIFETIME',
      'OPS_PORT',
      'LOG_LEVEL',
      'CLIENT_SECERT',
    ]);
  });

  it('tells a fault once that was found twice', () => {
    const fault = { name: 'PORT', sentence: 'must be a whole number.' };
    expect(new ConfigError([fault, { ...fault }], { isEmpty: false }).faults).toEqual([
      'PORT: must be a whole number.',
    ]);
  });

  it('uses of a file what it has checked, whatever is written into it meanwhile', () => {
    const weak = 'not a key';
    const contents = [edwardsPem(), weak, weak];
    const files = { readFile: (path: string) => (path === 'key.pem' ? (contents.shift() ?? weak) : '<!doctype html>') };
    const env = { ...production, CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'key.pem' };
    const [checked] = contents;
    expect(loadConfig(env, files).frontends[0].client.key?.reveal()).toBe(checked);
    expect(faultsOf(env, files)).toHaveLength(1);
  });

  it('ends a line for each fault with what to do next', () => {
    const report = errorOf({ ...production, LOG_LEVEL: 'loud' }).report();
    expect(report).toContain('  - LOG_LEVEL: must be debug, info, warn, error or silent.');
    expect(report).toContain('docs/configuration.md');
    expect(report).toContain('npm run demo');
  });
});

describe('without any configuration', () => {
  const needed = ['PUBLIC_URL', 'ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'SESSION_SECRETS', 'REDIS_URL', 'API_UPSTREAM'];
  const lines = errorOf({}).report().split('\n');

  it('names each needed setting in a line of its own, with what it is', () => {
    const named = lines
      .filter((line) => /^ {2}[A-Z_]+ {2,}\S.{20,}/.test(line))
      .map((line) => line.trim().split(' ')[0]);
    expect(named).toEqual(needed);
  });

  it('names the demo and the command that makes a key', () => {
    expect(lines.at(-1)).toContain('npm run demo');
    expect(lines.find((line) => line.includes('SESSION_SECRETS'))).toContain('openssl rand');
  });

  it('says the same where only an image has set its defaults', () => {
    const error = errorOf({ HOST: '0.0.0.0', PUBLIC_DIR: '/app/public' }, filesWith({ '/app/public/index.html': '' }));
    expect(error.report()).toBe(lines.join('\n'));
    expect(errorOf({ CLIENT_ID: 'x' }).isEmpty).toBe(false);
  });

  it('says of the page too that it is not there', () => {
    const error = errorOf({}, { readFile: filesWith().readFile.bind(undefined, 'nothing') });
    expect(error.isEmpty).toBe(true);
    expect(error.report()).toMatch(/^ {2}PUBLIC_DIR +must be the folder/m);
  });

  it('tells a fault among them as a fault', () => {
    expect(errorOf({ PORT: 'x' }).report()).toContain('Claimcheck cannot start');
  });
});

describe('examine', () => {
  const stateOf = (name: string, env: Environment = production) =>
    examine(env, filesWith({ '/run/secret': 'k3Zt7Qp0vW9xJm2LrS5dYh8NbF1cGaE0\n' })).settings.find(
      (state) => state.name === name,
    );

  it('says of every setting where it came from', () => {
    expect(stateOf('ISSUER')).toEqual({ name: 'ISSUER', source: 'set', text: 'https://login.example', isValid: true });
    expect(stateOf('PORT')).toEqual({ name: 'PORT', source: 'default', text: '3000', isValid: true });
    expect(stateOf('RULES_FILE')).toMatchObject({ source: 'none', text: undefined });
    const byFile = { ...production, CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: '/run/secret' };
    expect(stateOf('CLIENT_SECRET', byFile)).toMatchObject({ source: 'file /run/secret', text: undefined });
    expect(examine(production, filesWith()).settings.map(({ name }) => name)).toEqual(settingNames);
  });

  it('gives the text of no secret, and of nothing that is not valid', () => {
    const { settings: states } = examine({ ...production, ISSUER: 'https://u:pw@x', PORT: 'x' }, filesWith());
    const silent = states.filter(({ source, text }) => source === 'set' && text === undefined).map(({ name }) => name);
    expect(silent).toEqual(['PORT', 'ISSUER', 'CLIENT_SECRET', 'SESSION_SECRETS', 'REDIS_URL']);
  });
});

describe('the table of settings', () => {
  it('has defaults that are good, and examples that are', () => {
    const bad = settingNames.flatMap((name) => {
      const { type, ...setting } = settings[name];
      const texts = [
        'default' in setting ? setting.default : undefined,
        'example' in setting ? setting.example : undefined,
      ];
      return texts
        .filter((text) => text !== undefined && !type.safeParse(text).success)
        .map((text) => `${name}=${text}`);
    });
    expect(bad).toEqual([]);
  });

  it('says of each whether it has a default or is needed, and what it means in a sentence', () => {
    const unclear = settingNames.filter((name) => !/^[^\n]{20,}[.]$/.test(settings[name].help));
    expect(unclear).toEqual([]);
    const both = settingNames.filter((name) => 'default' in settings[name] && 'needed' in settings[name]);
    expect(both).toEqual([]);
  });
});

describe('on a loopback name', () => {
  it('lets what is for development pass, and warns', () => {
    const env = { ...development, NODE_DEBUG: 'http' };
    const { warnings, store } = loadConfig(env, filesWith());
    expect(store).toEqual({ kind: 'memory' });
    expect(warnings.map((warning) => warning.split(/[ :=]/, 1)[0])).toEqual([
      'PUBLIC_URL',
      'SESSION_STORE',
      'NODE_DEBUG',
    ]);
    const inProduction = faultsOf({ ...env, PUBLIC_URL: 'https://app.example' });
    expect(inProduction.map((fault) => fault.split(':', 1)[0])).toEqual(['SESSION_STORE', 'NODE_DEBUG']);
  });
});
