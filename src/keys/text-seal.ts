/**
 * Seals texts for one use of one frontend: whoever has `SESSION_SECRETS` opens
 * them, nobody else. The first secret seals, all open (AES-256-GCM; the key by
 * HKDF, see key-ring.ts).
 *
 * Sessions are not sealed here: those need the cookie as well (session/seal.ts).
 *
 * @module
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { randomSecretBytes } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import { deriveKey } from './key-ring.ts';

/** What a seal is made from. */
export interface TextSealOptions {
  /** The active one first; at least one. */
  readonly secrets: readonly Secret[];
  readonly frontendId: string;
  /** The use; each has keys of its own. */
  readonly label: string;
}

const ivLength = 12;
const tagLength = 16;

/** Seals and opens texts. */
export class TextSeal {
  readonly #options: Omit<TextSealOptions, 'secrets'>;
  #keys: readonly Buffer[] = [];

  constructor({ secrets, ...options }: TextSealOptions) {
    this.#options = options;
    this.replace(secrets);
  }

  /** Puts other secrets in place of all. Throws, and changes nothing, when there is none or one is not usable. */
  replace(secrets: readonly Secret[]): void {
    this.prepare(secrets)();
  }

  /** Derives other keys, and gives what puts them in place of all and cannot fail. Throws as {@link replace} does. */
  prepare(secrets: readonly Secret[]): () => void {
    if (secrets.length === 0) throw new Error('a seal needs at least one secret');
    const keys = secrets.map((secret) => deriveKey(secret, this.#options));
    return () => {
      this.#keys = keys;
    };
  }

  /** Encrypts `plain` so that it opens only with the same `purpose`; base64url. */
  seal(plain: string, purpose: string): string {
    const iv = randomSecretBytes(ivLength);
    const [key] = this.#keys as [Buffer]; // replace() takes no empty list
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
    return Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** What was sealed for `purpose`; `undefined` for everything else. */
  open(sealed: string, purpose: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < ivLength + tagLength) return undefined;
    for (const key of this.#keys) {
      const plain = openWith(key, { bytes, purpose });
      if (plain !== undefined) return plain;
    }
    return undefined;
  }
}

function openWith(
  key: Buffer,
  { bytes, purpose }: { readonly bytes: Buffer; readonly purpose: string },
): string | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivLength), { authTagLength: tagLength });
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagLength));
  const plain = decipher.update(bytes.subarray(ivLength, -tagLength));
  try {
    return Buffer.concat([plain, decipher.final()]).toString('utf8');
  } catch {
    return undefined; // the tag is wrong: not ours, not for this purpose, or of another key
  }
}
