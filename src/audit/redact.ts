/**
 * What may never be written, and what is written in its place.
 *
 * Sessions and subjects appear as keyed tags: the same one has the same tag, and
 * without the key nobody can go back or try candidates (LG-08, LG-16). Addresses
 * are truncated. Free text is cut and stripped of control characters (LG-09).
 *
 * @module
 */

import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Secret } from '../base/secret.ts';
import { deriveKey } from '../keys/key-ring.ts';

/** The key of the tags that stand for persons and sessions in the log: from the first of `SESSION_SECRETS`. */
export function pseudonymKey([first]: readonly Secret[], frontendId: string): Buffer {
  if (first === undefined) throw new Error('the configuration was used before it was checked');
  return deriveKey(first, { label: 'pseudonyms', frontendId });
}

/** Makes tags under one key. */
export class Pseudonyms {
  #key: Buffer;
  /** Tags of the sessions seen last: each call of a session asks for the same. */
  readonly #sessionTags = new LRUCache<string, string>({ max: 10_000 });

  /** @param key 32 bytes, used for nothing else. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Makes tags under another key from now on, so that they are those of an instance that is started now. */
  replace(key: Buffer): void {
    this.#key = key;
    this.#sessionTags.clear();
  }

  /** 16 characters that stand for a session. */
  session(id: string): string {
    const known = this.#sessionTags.get(id);
    if (known !== undefined) return known;
    const tag = this.#tag('session', id);
    this.#sessionTags.set(id, tag);
    return tag;
  }

  /** 16 characters that stand for a person, who is a subject within an issuer (OIDC Core, 5.7). */
  person({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
    return this.#tag('subject', `${issuer} ${subject}`);
  }

  #tag(kind: 'session' | 'subject', value: string): string {
    return createHmac('sha256', this.#key).update(`${kind}\0${value}`).digest('base64url').slice(0, 16);
  }
}

/** An address of which the last part is gone: /24 of IPv4, /48 of IPv6. */
export function truncatedAddress(address: string): string {
  if (!address.includes(':')) return address.replace(/\.\d+$/, '.0');
  const head = address.split('::')[0] ?? '';
  return `${head.split(':').slice(0, 3).join(':')}::`;
}

/** Text of unknown origin as one harmless line of at most `limit` characters. */
export function plainText(text: string, limit = 200): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

/** What is said of a cause in the log: class, code and message of each error in the chain, never its other members. */
export function causeText(cause: unknown): string | undefined {
  const parts: string[] = [];
  for (let at = cause; at instanceof Error && parts.length < 4; at = at.cause) {
    const code = 'code' in at && typeof at.code === 'string' ? ` [${at.code}]` : '';
    parts.push(`${at.name}${code}: ${at.message}`);
  }
  return parts.length === 0 ? undefined : plainText(parts.join(' ← '), 500);
}
