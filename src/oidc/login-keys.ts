/**
 * The keys of a sign-in under way: they seal the login transaction in its cookie,
 * and mark `state` and the count of starts as ours.
 *
 * One pair for each session secret; the first seals and marks, all still open and
 * recognise, so secrets rotate while somebody is signing in.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { equalInConstantTime } from '../base/equal.ts';
import { randomSecretBytes } from '../base/random.ts';
import type { Secret } from '../base/secret.ts';
import { deriveKey } from '../keys/key-ring.ts';

/** What login keys are made from. */
export interface LoginKeysOptions {
  /** The active one first; at least one. */
  readonly secrets: readonly Secret[];
  readonly frontendId: string;
}

interface KeyPair {
  readonly seal: Buffer;
  readonly mark: Buffer;
}

const ivLength = 12;
const tagLength = 16;
/** Characters of a mark: 64 bits. Enough for what lives ten minutes and is asked online. */
const markLength = 11;

/** Seals and marks. */
export class LoginKeys {
  readonly #frontendId: string;
  #pairs: readonly KeyPair[] = [];

  constructor({ secrets, frontendId }: LoginKeysOptions) {
    this.#frontendId = frontendId;
    this.replace(secrets);
  }

  /** Puts other secrets in place of all. Throws, and changes nothing, when there is none or one is not usable. */
  replace(secrets: readonly Secret[]): void {
    this.prepare(secrets)();
  }

  /** Derives other keys, and gives what puts them in place of all and cannot fail. Throws as {@link replace} does. */
  prepare(secrets: readonly Secret[]): () => void {
    if (secrets.length === 0) throw new Error('a sign-in needs at least one secret');
    const derive = (secret: Secret, label: string) => deriveKey(secret, { label, frontendId: this.#frontendId });
    const pairs = secrets.map((secret) => ({
      seal: derive(secret, 'login seal'),
      mark: derive(secret, 'login mark'),
    }));
    return () => {
      this.#pairs = pairs;
    };
  }

  /** Encrypts `plain` so that it opens only with the same `purpose` (AES-256-GCM); base64url. */
  seal(plain: string, purpose: string): string {
    const iv = randomSecretBytes(ivLength);
    const cipher = createCipheriv('aes-256-gcm', this.#active.seal, iv).setAAD(Buffer.from(purpose));
    return Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** What was sealed for `purpose`; `undefined` for everything else. */
  open(sealed: string, purpose: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < ivLength + tagLength) return undefined;
    for (const pair of this.#pairs) {
      const plain = openWith(pair.seal, { bytes, purpose });
      if (plain !== undefined) return plain;
    }
    return undefined;
  }

  /** A short mark of ours on `text`, for one `purpose`: 11 characters of base64url. */
  mark(text: string, purpose: string): string {
    return markWith(this.#active.mark, `${purpose}\0${text}`);
  }

  /** Whether `mark` is ours, under any of the keys. */
  isMarked(text: string, { mark, purpose }: { readonly mark: string; readonly purpose: string }): boolean {
    return this.#pairs.some((pair) => equalInConstantTime(mark, markWith(pair.mark, `${purpose}\0${text}`)));
  }

  get #active(): KeyPair {
    return this.#pairs[0] as KeyPair; // prepare() takes no empty list
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

function markWith(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, markLength);
}
