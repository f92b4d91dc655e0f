/**
 * Environments to configure from: one without faults, and what is said of a change
 * to it.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import type { Environment } from '../../../src/config/environment.ts';
import { ConfigError } from '../../../src/config/faults.ts';
import type { Files } from '../../../src/config/files.ts';
import { loadConfig } from '../../../src/config/load.ts';

/** A good entry of `SESSION_SECRETS`, another at each call. */
export const newKey = (): string => randomBytes(32).toString('base64url');

/** What a server for other machines needs, and nothing else. */
export const production: Environment = {
  PUBLIC_URL: 'https://app.example',
  ISSUER: 'https://login.example',
  CLIENT_ID: 'orders-app',
  CLIENT_SECRET: 'k3Zt7Qp0-vW9xJm2LrS5dYh8NbF1cGaE',
  REDIS_URL: 'rediss://claimcheck:k3Zt7Qp0vW9x@redis.internal:6379',
  SESSION_SECRETS: newKey(),
  API_UPSTREAM: 'https://orders.internal/v2',
};

/** The same on a loopback name. */
export const development: Environment = { ...production, PUBLIC_URL: 'http://localhost:3000' };

/** Files by path, and no other; a page is there as `public/index.html` unless it is taken away. */
export function filesWith(texts: Readonly<Record<string, string | undefined>> = {}): Files {
  const all: Readonly<Record<string, string | undefined>> = { 'public/index.html': '<!doctype html>', ...texts };
  return {
    readFile: (path) => {
      const text = all[path];
      if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
      return text;
    },
  };
}

/** The error for an environment. Fails where there is none. */
export function errorOf(env: Environment, files: Files = filesWith()): ConfigError {
  try {
    loadConfig(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('this configuration has no faults');
}

/** The faults of an environment; none when it can be used. */
export function faultsOf(env: Environment, files: Files = filesWith()): readonly string[] {
  try {
    loadConfig(env, files);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

/** The faults of `changes` to {@link production}. */
export function faultsWith(changes: Environment, texts: Readonly<Record<string, string>> = {}): readonly string[] {
  return faultsOf({ ...production, ...changes }, filesWith(texts));
}

/** The faults of a rules file in production; the text of the file may lack its first line `routes:`. */
export function faultsOfRules(routes: string, changes: Environment = {}): readonly string[] {
  const rules = routes.startsWith('  - ') ? `routes:\n${routes}` : routes;
  return faultsWith({ API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml', ...changes }, { 'rules.yaml': rules });
}
