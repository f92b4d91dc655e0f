/**
 * Settings that are all right, as a start for tests of those that are not: one set
 * for production, one for this machine; and files that lie nowhere but here.
 *
 * @module
 */

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type { Config } from '../../../src/config/config.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { ConfigError } from '../../../src/config/faults.ts';
import type { Files } from '../../../src/config/files.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { certificatePem, createCertificate } from '../../support/hostile/certificate.ts';

/** A random entry of `SESSION_SECRETS`. */
export const keyOf = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** Settings that start in production. */
export const production = {
  PUBLIC_URL: 'https://app.example',
  ISSUER: 'https://login.example',
  CLIENT_ID: 'orders-app',
  CLIENT_SECRET: keyOf(),
  SESSION_SECRETS: keyOf(),
  REDIS_URL: `rediss://claimcheck:${keyOf()}@redis.internal:6379`,
  API_UPSTREAM: 'https://orders.internal/v2',
} as const satisfies Environment;

/** Settings that start on this machine, with as little as it takes. */
export const development = {
  ...production,
  PUBLIC_URL: 'http://localhost:3000',
  ISSUER: 'http://127.0.0.1:4000',
  REDIS_URL: undefined,
  SESSION_STORE: 'memory',
  API_UPSTREAM: 'http://127.0.0.1:4001',
} as const satisfies Environment;

/** Files by path. A path that is not among them cannot be read, as on a disk. */
export function filesWith(texts: Readonly<Record<string, string>> = {}): Files {
  const all = new Map(Object.entries({ 'public/index.html': '<!doctype html>', ...texts }));
  return {
    readFile: (path) => {
      const text = all.get(path);
      if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
      return text;
    },
  };
}

/** What a configuration is, or its faults. */
export function outcomeOf(env: Environment, files: Files = filesWith()): Config | ConfigError {
  try {
    return loadConfig(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The faults of a configuration; none when it is all right. */
export function faultsOf(env: Environment, files: Files = filesWith()): readonly string[] {
  const outcome = outcomeOf(env, files);
  return outcome instanceof ConfigError ? outcome.faults : [];
}

/** The error of a configuration. Fails where there is none. */
export function errorOf(env: Environment, files: Files = filesWith()): ConfigError {
  const outcome = outcomeOf(env, files);
  if (outcome instanceof ConfigError) return outcome;
  throw new Error('this configuration has no faults');
}

/** A private key as PEM (PKCS#8). */
export function pemOf(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** PEM of a new elliptic key. */
export function ellipticPem(namedCurve: string): string {
  return pemOf(generateKeyPairSync('ec', { namedCurve }).privateKey);
}

/** PEM of a new RSA key. */
export function rsaPem(modulusLength: number): string {
  return pemOf(generateKeyPairSync('rsa', { modulusLength }).privateKey);
}

/** PEM of a new Ed25519 key. */
export function edwardsPem(): string {
  return pemOf(generateKeyPairSync('ed25519').privateKey);
}

/** A certificate for app.example that signed itself, and its key, both PEM. */
export function certificatePair(modulusLength?: number): { readonly certificate: string; readonly key: string } {
  const { publicKey, privateKey } =
    modulusLength === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : generateKeyPairSync('rsa', { modulusLength });
  const commonName = 'app.example';
  const signedBy = { commonName, privateKey };
  const certificate = createCertificate({ commonName, publicKey, signedBy, names: [commonName] });
  return { certificate: certificatePem(certificate), key: pemOf(privateKey) };
}
