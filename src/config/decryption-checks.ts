/**
 * What the keys must be with which encrypted tokens are opened.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Fault } from './faults.ts';
import type { Files } from './files.ts';
import { isStrong, pemBlocksIn, readAt } from './key-files.ts';
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
  const keys = keysAt(path, files);
  if (!('value' in keys)) return [{ name, sentence: `must name a PEM file with a private key (PKCS#8)${keys.cause}.` }];
  if (!keys.value.every(canOpen)) {
    return [{ name, sentence: 'must hold RSA keys of 2048 bits or more, P-256, P-384 or P-521 keys, or X25519 keys.' }];
  }
  const signing = CLIENT_KEY_FILE === undefined ? undefined : keysAt(CLIENT_KEY_FILE, files);
  const isShared = signing !== undefined && 'value' in signing && sharesKey(keys.value, signing.value);
  return isShared ? [{ name, sentence: 'must not hold a key of CLIENT_KEY_FILE: each key has one purpose.' }] : [];
}

function keysAt(path: string, files: Files) {
  return readAt(path, { files, read: (text) => pemBlocksIn(text).map((pem) => createPrivateKey(pem)) });
}

function canOpen(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'x25519' || (key.asymmetricKeyType !== 'ed25519' && isStrong(key));
}

function sharesKey(one: readonly KeyObject[], other: readonly KeyObject[]): boolean {
  const textOf = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' });
  const texts = new Set(other.map(textOf));
  return one.some((key) => texts.has(textOf(key)));
}
