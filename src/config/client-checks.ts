/**
 * What the way in which the client proves itself needs, and what contradicts it.
 *
 * @module
 */

import type { KeyObject } from 'node:crypto';
import { type Fault, missing } from './faults.ts';
import type { Files } from './files.ts';
import { certificateFaults, isStrong, privateKeysAt } from './key-files.ts';
import { type SettingName, settingOf, type Values } from './schema.ts';

/** What else is looked at. */
export interface ClientSurroundings {
  readonly files: Files;
  /** Settings that have a fault already. */
  readonly faulty: ReadonlySet<string>;
}

/** The faults of the settings that begin with `CLIENT_`. */
export function clientFaults(values: Values, { files, faulty }: ClientSurroundings): readonly Fault[] {
  const { CLIENT_AUTH_METHOD: method } = values;
  // One that cannot be read was meant to be there.
  if (method === undefined || faulty.has('CLIENT_KEY_ROTATION')) return [];
  if (method === 'private_key_jwt') return [...keyFaults(values, files), ...uselessIn(values, ['CLIENT_CERT_FILE'])];
  if (method === 'tls_client_auth' || method === 'self_signed_tls_client_auth') {
    return [...tlsFaults(values, files), ...uselessIn(values, ['CLIENT_KEY_ROTATION'])];
  }
  const faults = values.CLIENT_SECRET === undefined ? [missing('CLIENT_SECRET', settingOf('CLIENT_SECRET'))] : [];
  return [...faults, ...uselessIn(values, ['CLIENT_KEY_FILE', 'CLIENT_KEY_ROTATION', 'CLIENT_CERT_FILE'])];
}

// What is given and not used was meant for another way than the one that is set.
function uselessIn(values: Values, names: readonly SettingName[]): readonly Fault[] {
  const sentence = `is given, but CLIENT_AUTH_METHOD is ${values.CLIENT_AUTH_METHOD}. Choose one.`;
  return names.filter((name) => values[name] !== undefined).map((name) => ({ name, sentence }));
}

function keyFaults(
  { CLIENT_KEY_FILE: path, CLIENT_KEY_ROTATION: rotation, SESSION_STORE }: Values,
  files: Files,
): readonly Fault[] {
  if (path === undefined && rotation === undefined) {
    return [{ name: 'CLIENT_KEY_FILE', sentence: 'is missing. private_key_jwt signs with it.' }];
  }
  if (path !== undefined && rotation !== undefined) {
    return [{ name: 'CLIENT_KEY_ROTATION', sentence: 'is given, and CLIENT_KEY_FILE too. Choose one.' }];
  }
  if (path !== undefined) return keyFileFaults(path, files);
  return SESSION_STORE === 'memory'
    ? [{ name: 'CLIENT_KEY_ROTATION', sentence: 'needs SESSION_STORE=redis, where all instances find the same keys.' }]
    : [];
}

function keyFileFaults(path: string, files: Files): readonly Fault[] {
  const name = 'CLIENT_KEY_FILE';
  const found = privateKeysAt(path, files);
  if ('sentence' in found) return [{ name, sentence: found.sentence }];
  return found.keys.every(isClientKey)
    ? []
    : [{ name, sentence: 'must hold an Ed25519 key, a P-256 key, or an RSA key of 2048 bits or more.' }];
}

// The curves and sizes that FAPI 2 lets a client sign with (5.4.1).
function isClientKey(key: KeyObject): boolean {
  return isStrong(key) && ['prime256v1', undefined].includes(key.asymmetricKeyDetails?.namedCurve);
}

function tlsFaults(values: Values, files: Files): readonly Fault[] {
  const lacking = (['CLIENT_KEY_FILE', 'CLIENT_CERT_FILE'] as const).filter((name) => values[name] === undefined);
  if (lacking.length > 0) {
    return lacking.map((name) => ({ name, sentence: `is missing. ${values.CLIENT_AUTH_METHOD} shows a certificate.` }));
  }
  return certificateFaults(values, { cert: 'CLIENT_CERT_FILE', key: 'CLIENT_KEY_FILE', files });
}
