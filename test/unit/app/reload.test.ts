/**
 * What is taken over of a configuration that was read again: all of it, or nothing.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { Reloader, type ReloadParts } from '../../../src/app/reload.ts';
import { Trail } from '../../../src/audit/trail.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { Environment } from '../../../src/config/environment.ts';
import type { Files } from '../../../src/config/files.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { rereadConfig } from '../../../src/config/reread.ts';
import { frontendOf } from '../../../src/http/frontend.ts';
import { KeyRing } from '../../../src/keys/key-ring.ts';
import { Metrics } from '../../../src/metrics/catalogue.ts';
import { LoginKeys } from '../../../src/oidc/login-keys.ts';
import { Routes } from '../../../src/proxy/routes.ts';
import { filesWith, keyOf, production } from '../config/settings.ts';

const started = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' };
const rules = (...paths: readonly string[]) =>
  filesWith({
    'rules.yaml': `routes:\n${paths.map((path) => `  - { path: ${path}, upstream: https://a.internal }\n`).join('')}`,
  });

function scene() {
  const config = loadConfig(started, rules('/api/a'));
  const lines: string[] = [];
  const secrets = { secrets: [new Secret(started.SESSION_SECRETS)], frontendId: 'default' };
  const parts = {
    ...{ config, metrics: new Metrics(), keys: new KeyRing(secrets), loginKeys: new LoginKeys(secrets) },
    trail: new Trail({ level: 'warn', stream: { write: (line: string) => lines.push(line) } }),
    frontend: frontendOf(config.frontends[0]),
    routes: new Routes(config.frontends[0].routes),
    pseudonyms: { replace: () => undefined },
    upstreams: { keepOnly: () => undefined, replaceSettings: () => undefined },
  };
  const reloader = new Reloader({ ...parts, frontends: [parts] } as unknown as ReloadParts); // the rest is touched only when it changed
  const reread = (now: Environment, files: Files) => rereadConfig({ started, now, files, serving: config });
  return { ...parts, reloader, reread, lines };
}

describe('a configuration that was read again', () => {
  const now = { ...started, SESSION_SECRETS: keyOf() };

  it('GW-14: is swapped in no part when a later part refuses it', () => {
    const { reloader, reread, keys, routes, lines } = scene();
    const before = keys.active;

    // To the configuration these are two routes, to the matcher they are one: it refuses, after the keys were prepared.
    expect(reloader.apply(reread(now, rules('/api/b', '/api/B')))).toBe(false);
    expect(keys.active).toBe(before);
    expect(routes.find('/api/a')).toBeDefined();
    expect(lines.join('')).toContain('RULES_FILE: cannot be used.');

    expect(reloader.apply(reread(now, rules('/api/b')))).toBe(true);
    expect(keys.active).not.toBe(before);
    expect([routes.find('/api/a'), routes.find('/api/b')?.path]).toEqual([undefined, '/api/b']);
  });

  it('GW-14: is checked against the settings that are in effect, and those that differ are named', () => {
    const files = filesWith({ 'rules.yaml': 'routes: [{ path: /api, upstream: http://a.internal }]' });
    const local = { ...started, PUBLIC_URL: 'http://localhost:3000' };

    const { reread } = scene();
    expect(loadConfig(local, files).frontends[0].routes).toHaveLength(1); // what would do there
    const refused = reread(local, files);
    expect(refused.examined.error?.faults).toEqual([expect.stringMatching(/^RULES_FILE .*must be https/)]);
    expect(refused.needRestart).toEqual(['PUBLIC_URL']);
    expect(reread(started, rules('/api'))).toMatchObject({
      needRestart: [],
      examined: { error: undefined },
    });
  });
});

describe('the routes of several frontends, read again', () => {
  const entry = (id: string, end: string) =>
    `  - { id: ${id}, public_url: https://${id}.example, client_id: ${id}, client_secret_env: THE_SECRET, routes: [${end}] }\n`;
  const list = (orders: string, desk: string) =>
    filesWith({
      'rules.yaml': `frontends:\n${[entry('orders', orders), entry('desk', desk)].join('')}`,
    });
  const to = (host: string) => `{ path: /api, upstream: https://${host}.internal }`;
  const settings = {
    ...{ ...started, PUBLIC_URL: undefined, CLIENT_ID: undefined, CLIENT_SECRET: undefined },
    THE_SECRET: keyOf(),
  };

  it('GW-14: leave an upstream open that one of them still leads to', () => {
    const config = loadConfig(settings, list(to('a'), to('b')));
    const kept: ReadonlySet<string>[] = [];
    const parts = {
      ...{ config, metrics: new Metrics(), trail: new Trail({ level: 'silent', stream: { write: () => undefined } }) },
      frontends: config.frontends.map((own) => ({ frontend: frontendOf(own), routes: new Routes(own.routes) })),
      upstreams: { keepOnly: (origins: ReadonlySet<string>) => kept.push(origins), replaceSettings: () => undefined },
    };
    const reloader = new Reloader(parts as unknown as ReloadParts); // as above
    const read = (files: Files) => rereadConfig({ started: settings, now: settings, files, serving: config });

    expect(reloader.apply(read(list(to('b'), to('b'))))).toBe(true);
    expect(kept).toEqual([new Set(['https://b.internal'])]);
    expect(reloader.apply(read(list(to('c'), to('b'))))).toBe(true);
    expect(kept.at(-1)).toEqual(new Set(['https://c.internal', 'https://b.internal']));
  });
});
