/**
 * The keys of one frontend, derived from `SESSION_SECRETS`.
 *
 * Each entry gives one key for each use, so that what is known of one use says
 * nothing of another (RFC 5869). The first entry is active: it signs and seals.
 * The others still verify and open, until they are taken out of the setting.
 *
 * The frontend's id is part of every derivation: what belongs to one frontend is
 * nothing at another.
 *
 * @module
 */

import { hkdfSync } from 'node:crypto';
import type { Secret } from '../base/secret.ts';

/** The keys of one entry. */
export interface KeyEntry {
  /** Four bytes that name the entry in what it sealed; they tell nothing of its keys. */
  readonly id: Buffer;
  /** Signs session cookies. A text, since express-session takes it as one. */
  readonly cookie: string;
  /** One half of what opens a session; the other half is the secret in its cookie. */
  readonly seal: Buffer;
  /** Opens cards, without a cookie. */
  readonly card: Buffer;
  /** Names persons and provider sessions in the store without telling who they are. */
  readonly index: Buffer;
}

/** What a key ring is made from. */
export interface KeyRingOptions {
  /** Base64url, 32 bytes or more each; at least one. */
  readonly secrets: readonly Secret[];
  readonly frontendId: string;
}

const keyBytes = 32;

/**
 * A key of 32 bytes (or `length`) for one use of one frontend, by HKDF-SHA256
 * (RFC 5869). Throws when the secret is shorter than a key, since no derivation
 * makes a weak secret strong.
 *
 * @param label The use; the same label gives the same key, so each use has its own.
 */
export function deriveKey(
  secret: Secret,
  {
    label,
    frontendId,
    length = keyBytes,
  }: { readonly label: string; readonly frontendId: string; readonly length?: number },
): Buffer {
  const material = Buffer.from(secret.reveal(), 'base64url');
  if (material.length < keyBytes) throw new Error(`a secret of SESSION_SECRETS has fewer than ${keyBytes} bytes`);
  return Buffer.from(hkdfSync('sha256', material, '', `claimcheck:${label}:${frontendId}`, length));
}

/** The entries in their order, and what finds one. */
export class KeyRing {
  readonly #frontendId: string;
  readonly #cookieKeys: string[] = [];
  #entries: readonly KeyEntry[] = [];

  constructor({ secrets, frontendId }: KeyRingOptions) {
    this.#frontendId = frontendId;
    this.replace(secrets);
  }

  /** The entry that signs and seals. */
  get active(): KeyEntry {
    const [first] = this.#entries;
    if (first === undefined) throw new Error('a key ring needs at least one secret');
    return first;
  }

  /** All entries, the active one first: another list after each replacement, by which whoever kept what one of them opened can tell. */
  get entries(): readonly KeyEntry[] {
    return this.#entries;
  }

  /** The cookie keys, the active one first. Always the same list: {@link replace} changes what it holds. */
  get cookieKeys(): readonly string[] {
    return this.#cookieKeys;
  }

  /** The entry that bears `id`; `undefined` when it was taken out or never existed. */
  find(id: Buffer): KeyEntry | undefined {
    return this.#entries.find((entry) => entry.id.equals(id));
  }

  /** Puts other secrets in place of all. Throws, and changes nothing, when one is not usable. */
  replace(secrets: readonly Secret[]): void {
    this.prepare(secrets)();
  }

  /** Derives other keys, and gives what puts them in place of all and cannot fail. Throws when a secret is not usable. */
  prepare(secrets: readonly Secret[]): () => void {
    const entries = secrets.map((secret) => entryOf(secret, this.#frontendId));
    if (entries.length === 0) throw new Error('a key ring needs at least one secret');
    if (new Set(entries.map(({ id }) => id.toString('hex'))).size !== entries.length) {
      throw new Error('SESSION_SECRETS names one secret twice');
    }
    return () => {
      this.#entries = entries;
      this.#cookieKeys.splice(0, this.#cookieKeys.length, ...entries.map(({ cookie }) => cookie));
    };
  }
}

function entryOf(secret: Secret, frontendId: string): KeyEntry {
  const derive = (label: string, length = keyBytes) => deriveKey(secret, { label, frontendId, length });
  return {
    id: derive('id', 4),
    cookie: derive('cookie').toString('base64url'),
    seal: derive('seal'),
    card: derive('card'),
    index: derive('index'),
  };
}
