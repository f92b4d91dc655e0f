/**
 * What the keys must be with which encrypted tokens are opened.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Fault } from './faults.ts';
import type { Files } from './files.ts';
import { isStrong, privateKeysAt } from './key-files.ts';
import type { Values } from './schema.ts';

/** The faults of `CLIENT_DECRYPTION_KEY_FILE` and `ENCRYPTED_ID_TOKENS`. */
export function decryptionFaults(values: Values, files: Files): readonly Fault[] {
  const { CLIENT_DECRYPTION_KEY_FILE: path, CLIENT_KEY_FILE, ENCRYPTED_ID_TOKENS } = values;
  const name = 'CLIENT_DECRYPTION_KEY_FILE';
  if (path === undefined) {
    return ENCRYPTED_ID_TOKENS === 'required'
      ? [{ name, sentence: 'is missing. ENCRYPTED_ID_TOKENS=required needs it.' }]
      : [];
  }
  const found = privateKeysAt(path, files);
  if ('sentence' in found) return [{ name, sentence: found.sentence }];
  if (!found.keys.every(canOpen)) {
    return [{ name, sentence: 'must hold RSA keys of 2048 bits or more, P-256, P-384 or P-521 keys, or X25519 keys.' }];
  }
  const signing = CLIENT_KEY_FILE === undefined ? undefined : privateKeysAt(CLIENT_KEY_FILE, files);
  const isShared = signing !== undefined && 'keys' in signing && sharesKey(found.keys, signing.keys);
  return isShared ? [{ name, sentence: 'must not hold a key of CLIENT_KEY_FILE: each key has one purpose.' }] : [];
}

function canOpen(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'x25519' || (key.asymmetricKeyType !== 'ed25519' && isStrong(key));
}

function sharesKey(one: readonly KeyObject[], other: readonly KeyObject[]): boolean {
  const textOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' });
  const texts = new Set(other.map(textOf));
  return one.some((key) => texts.has(textOf(key)));
}
