/**
 * The keys of a sign-in under way: they seal the login transaction in its cookie,
 * and mark `state` and the count of starts as ours.
 *
 * One pair for each session secret; the first seals and marks, all still open and
 * recognise, so secrets rotate while somebody is signing in.
 *
 * @module
 */

import { createHmac } from 'node:crypto';
import { equalInConstantTime } from '../base/equal.ts';
import type { Secret } from '../base/secret.ts';
import { deriveKey } from '../keys/key-ring.ts';
import { TextSeal } from '../keys/text-seal.ts';

/** What login keys are made from. */
export interface LoginKeysOptions {
  /** The active one first; at least one. */
  readonly secrets: readonly Secret[];
  readonly frontendId: string;
}

/** Characters of a mark: 64 bits. Enough for what lives ten minutes and is asked online. */
const markLength = 11;

/** Seals and marks. */
export class LoginKeys {
  readonly #frontendId: string;
  readonly #seal: TextSeal;
  #marks: readonly Buffer[] = [];

  constructor({ secrets, frontendId }: LoginKeysOptions) {
    this.#frontendId = frontendId;
    this.#seal = new TextSeal({ secrets, frontendId, label: 'login seal' });
    this.replace(secrets);
  }

  /** Puts other secrets in place of all. Throws, and changes nothing, when there is none or one is not usable. */
  replace(secrets: readonly Secret[]): void {
    this.prepare(secrets)();
  }

  /** Derives other keys, and gives what puts them in place of all and cannot fail. Throws as {@link replace} does. */
  prepare(secrets: readonly Secret[]): () => void {
    const swapSeal = this.#seal.prepare(secrets);
    const marks = secrets.map((secret) => deriveKey(secret, { label: 'login mark', frontendId: this.#frontendId }));
    return () => {
      swapSeal();
      this.#marks = marks;
    };
  }

  /** Encrypts `plain` so that it opens only with the same `purpose` (AES-256-GCM); base64url. */
  seal(plain: string, purpose: string): string {
    return this.#seal.seal(plain, purpose);
  }

  /** What was sealed for `purpose`; `undefined` for everything else. */
  open(sealed: string, purpose: string): string | undefined {
    return this.#seal.open(sealed, purpose);
  }

  /** A short mark of ours on `text`, for one `purpose`: 11 characters of base64url. */
  mark(text: string, purpose: string): string {
    const [active] = this.#marks as readonly [Buffer]; // prepare() takes no empty list
    return markWith(active, `${purpose}\0${text}`);
  }

  /** Whether `mark` is ours, under any of the keys. */
  isMarked(text: string, { mark, purpose }: { readonly mark: string; readonly purpose: string }): boolean {
    return this.#marks.some((key) => equalInConstantTime(mark, markWith(key, `${purpose}\0${text}`)));
  }
}

function markWith(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, markLength);
}
