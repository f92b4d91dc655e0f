/**
 * The files of keys and certificates that settings name: whether they can be read,
 * are strong enough, and belong together.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Fault } from './faults.ts';
import { causeOf, type Files } from './files.ts';
import type { SettingName, Values } from './schema.ts';

interface Reader<Value> {
  readonly files: Files;
  readonly read: (text: string) => Value;
}

/**
 * What a file says, or why it cannot be had. The system's word for a file that is
 * not there may be told; what a parser says could show parts of a key.
 */
export function readAt<Value>(
  path: string,
  { files, read }: Reader<Value>,
): { readonly value: Value } | { readonly cause: string } {
  let text: string;
  try {
    text = files.readFile(path);
  } catch (error) {
    return { cause: causeOf(error) };
  }
  try {
    return { value: read(text) };
  } catch {
    return { cause: '' };
  }
}

const pemBlock = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/** The PEM blocks of a text in their order; the text itself where it holds none, for a parser to refuse. */
export function pemBlocksIn(text: string): readonly [string, ...string[]] {
  const [first = text, ...others] = text.match(pemBlock) ?? [];
  return [first, ...others];
}

/** The private keys of a PEM file in their order, or the sentence that says why they cannot be had. */
export function privateKeysAt(
  path: string,
  files: Files,
): { readonly keys: readonly KeyObject[] } | { readonly sentence: string } {
  const read = readAt(path, { files, read: (text) => pemBlocksIn(text).map((pem) => createPrivateKey(pem)) });
  return 'value' in read
    ? { keys: read.value }
    : { sentence: `must name a PEM file with a private key (PKCS#8)${read.cause}.` };
}

/** Whether a key is strong enough for TLS. */
export function isStrong({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'ed25519') return true;
  return asymmetricKeyType === 'ec'
    ? ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve)
    : asymmetricKeyType === 'rsa' && modulusLength >= 2048;
}

/** The names of two settings that name a certificate and its key. */
export interface CertificateSettings {
  readonly cert: SettingName;
  readonly key: SettingName;
  readonly files: Files;
}

/** What is wrong with a certificate and its key. Both settings must be given. */
export function certificateFaults(values: Values, { cert, key, files }: CertificateSettings): readonly Fault[] {
  const certificate = readAt(String(values[cert]), { files, read: (text) => new X509Certificate(text) });
  const privateKey = readAt(String(values[key]), { files, read: createPrivateKey });
  const faults: Fault[] = [];
  if (!('value' in certificate))
    faults.push({ name: cert, sentence: `must name a PEM file with a certificate chain${certificate.cause}.` });
  if (!('value' in privateKey))
    faults.push({ name: key, sentence: `must name a PEM file with a private key${privateKey.cause}.` });
  else if (!isStrong(privateKey.value)) {
    const sentence = 'must hold an Ed25519 key, a P-256, P-384 or P-521 key, or an RSA key of 2048 bits or more.';
    faults.push({ name: key, sentence });
  }
  if ('value' in certificate && 'value' in privateKey && !certificate.value.checkPrivateKey(privateKey.value))
    faults.push({ name: key, sentence: `must hold the key of the first certificate in ${cert}.` });
  return faults;
}
