/**
 * Seals the parts of a session, so that a dump of the store is of no use.
 *
 * Record and tokens are sealed with a key of which one half comes from
 * `SESSION_SECRETS` and the other is the secret in the cookie: neither the store
 * nor the configuration opens them, nor both together. The card is sealed with the
 * first half alone, so that it can be shown where the cookie is not.
 *
 * AES-256-GCM. What is authenticated beside the content: the part's full name in
 * the store, its kind and the count of its writes. So nothing can be moved to
 * another session or part, nor an older write put under a newer count.
 *
 *     format 1 | key id 4 | nonce 12 | content | tag 16
 *
 * What cannot be opened is answered with a fault, never thrown.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { randomSecretBytes } from '../base/random.ts';
import type { KeyEntry, KeyRing } from '../keys/key-ring.ts';

/** The parts of a session in the store. */
export type SessionPart = 'session' | 'tokens' | 'card';

/** Why something could not be opened: no key bears its id, or it is not what was sealed under this name and count. */
export type SealFault = 'unknown-key' | 'not-authentic';

/** What was sealed, and whether the active entry did it; or why it cannot be opened. */
export type Unsealed =
  | { readonly fault: undefined; readonly content: Buffer; readonly isCurrent: boolean }
  | { readonly fault: SealFault };

/** Where a sealed text belongs. */
export interface SealedPlace {
  /** The session's name in the store. */
  readonly id: string;
  readonly part: SessionPart;
  /** The count of the write that stores it. */
  readonly version: number;
}

const algorithm = 'aes-256-gcm';
const format = 1;
const idEnd = 5;
const nonceEnd = idEnd + 12;
const tagBytes = 16;
const partStart = 'cc:{';

/** The name of a session in the store: the hash of its secret, which nobody can turn back. */
export function sessionIdOf(frontendId: string, secret: string): string {
  return createHash('sha256').update(`${frontendId}\0${secret}`).digest('base64url');
}

/** The full name of a part in the store. The braces keep the parts of one session in one slot of a cluster. */
export function partName(id: string, part: SessionPart): string {
  return `${partStart}${id}}:${part}`;
}

/** What matches the full names of all cards, as Redis has it: braces are plain there. */
export const everyCard = `${partStart}*}:card`;

/** The name of the session of which this is a part's full name; `undefined` for anything else in the store. */
export function sessionOfPart(name: string): string | undefined {
  const end = name.indexOf('}', partStart.length);
  return name.startsWith(partStart) && end > 0 ? name.slice(partStart.length, end) : undefined;
}

/** Seals and opens record and tokens of one session. Holds the secret of its cookie and shows it to nobody. */
export class SessionSeal {
  /** The session's name in the store. */
  readonly id: string;
  readonly #secret: string;
  readonly #keys: KeyRing;
  readonly #derived = new Map<KeyEntry, Buffer>();

  constructor(secret: string, { keys, frontendId }: { readonly keys: KeyRing; readonly frontendId: string }) {
    this.id = sessionIdOf(frontendId, secret);
    this.#secret = secret;
    this.#keys = keys;
  }

  /** Seals under the active entry. */
  seal(content: Buffer, place: Omit<SealedPlace, 'id'>): Buffer {
    const entry = this.#keys.active;
    return sealed(content, { ...place, id: this.id, entry, key: this.#keyOf(entry) });
  }

  /** Opens what any entry of the ring sealed for this session, part and count. */
  open(bytes: Buffer, place: Omit<SealedPlace, 'id'>): Unsealed {
    return unsealed(bytes, { ...place, id: this.id, keys: this.#keys, keyOf: (entry) => this.#keyOf(entry) });
  }

  #keyOf(entry: KeyEntry): Buffer {
    const known = this.#derived.get(entry);
    if (known !== undefined) return known;
    const material = Buffer.concat([entry.seal, Buffer.from(this.#secret)]);
    const key = Buffer.from(hkdfSync('sha256', material, '', 'claimcheck:session', 32));
    this.#derived.set(entry, key);
    return key;
  }
}

/** Seals a card, which is written once. */
export function sealCard(content: Buffer, { id, keys }: { readonly id: string; readonly keys: KeyRing }): Buffer {
  const entry = keys.active;
  return sealed(content, { id, part: 'card', version: 1, entry, key: entry.card });
}

/** Opens a card, without the cookie of its session. */
export function openCard(bytes: Buffer, { id, keys }: { readonly id: string; readonly keys: KeyRing }): Unsealed {
  return unsealed(bytes, { id, part: 'card', version: 1, keys, keyOf: (entry) => entry.card });
}

function sealed(content: Buffer, place: SealedPlace & { readonly entry: KeyEntry; readonly key: Buffer }): Buffer {
  const head = Buffer.concat([Buffer.from([format]), place.entry.id]);
  const nonce = randomSecretBytes(nonceEnd - idEnd);
  const cipher = createCipheriv(algorithm, place.key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associated(head, place));
  return Buffer.concat([head, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

interface Opening extends SealedPlace {
  readonly keys: KeyRing;
  readonly keyOf: (entry: KeyEntry) => Buffer;
}

function unsealed(bytes: Buffer, opening: Opening): Unsealed {
  if (bytes.length < nonceEnd + tagBytes || bytes[0] !== format) return { fault: 'not-authentic' };
  const head = bytes.subarray(0, idEnd);
  const entry = opening.keys.find(head.subarray(1));
  if (entry === undefined) return { fault: 'unknown-key' };
  const nonce = bytes.subarray(idEnd, nonceEnd);
  const decipher = createDecipheriv(algorithm, opening.keyOf(entry), nonce, { authTagLength: tagBytes });
  decipher.setAAD(associated(head, opening)).setAuthTag(bytes.subarray(-tagBytes));
  try {
    const content = Buffer.concat([decipher.update(bytes.subarray(nonceEnd, -tagBytes)), decipher.final()]);
    return { fault: undefined, content, isCurrent: entry === opening.keys.active };
  } catch {
    // Node says by an error that the tag is wrong, and gives no content.
    return { fault: 'not-authentic' };
  }
}

function associated(head: Buffer, { id, part, version }: SealedPlace): Buffer {
  return Buffer.concat([head, Buffer.from(`${partName(id, part)}\0${part}\0${version}`)]);
}
