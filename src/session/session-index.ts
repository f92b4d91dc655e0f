/**
 * Finds the sessions of a person, or of a session at the authorization server,
 * without telling the store who they are.
 *
 * The names are keyed hashes over frontend, issuer and subject (or `sid`). They are
 * written under the active entry of the key ring and looked up under all, so a
 * back-channel logout in the midst of a rotation misses nobody.
 *
 * @module
 */

import { createHmac } from 'node:crypto';
import type { KeyEntry, KeyRing } from '../keys/key-ring.ts';
import type { Identity } from './session.ts';
import type { IndexEntry, SessionStore } from './store.ts';

type Indexed = Pick<Identity, 'issuer' | 'subject' | 'sid'>;
type Place = Pick<IndexEntry, 'index' | 'key'>;

/** A session as the index knows it. */
export interface IndexedSession {
  readonly id: string;
  readonly identity: Indexed;
  readonly expiresAt: number;
  /** `iat` of the ID token of its sign-in, ms. */
  readonly issuedAt: number;
}

/** A session found in the index, and where: what {@link SessionIndex.drop} takes. */
export type IndexMember = Pick<IndexEntry, 'index' | 'key' | 'id'>;

/** Who is looked for: a subject or a `sid`, within its issuer (OIDC Back-Channel Logout, 2.1). */
export interface Sought {
  readonly index: IndexEntry['index'];
  readonly issuer: string;
  readonly value: string;
}

/** The index of one frontend. */
export class SessionIndex {
  readonly #store: SessionStore;
  readonly #keys: KeyRing;

  constructor({ store, keys }: { readonly store: SessionStore; readonly keys: KeyRing }) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Adds a session under the active entry. `false`: the person was signed out after that sign-in. */
  async add({ id, identity, expiresAt, issuedAt }: IndexedSession): Promise<boolean> {
    const places = placesOf(identity, this.#keys.active);
    const answers = await Promise.all(
      places.map((place) => this.#store.addToIndex({ ...place, id, expiresAt }, issuedAt)),
    );
    return answers.every(Boolean);
  }

  /** Whether the person was signed out after the sign-in at `issuedAt`, also by an instance that had other keys then. */
  async isBarred({ identity, issuedAt }: Pick<IndexedSession, 'identity' | 'issuedAt'>): Promise<boolean> {
    const places = this.#keys.entries.flatMap((entry) => placesOf(identity, entry));
    const bounds = await Promise.all(places.map(({ index, key }) => this.#store.notBefore(index, key)));
    return bounds.some((bound) => bound !== undefined && issuedAt < bound);
  }

  /** Takes a session out, under every entry. */
  async remove(session: Pick<IndexedSession, 'id' | 'identity'>): Promise<void> {
    const places = this.#keys.entries.flatMap((entry) => placesOf(session.identity, entry));
    await Promise.all(places.map((place) => this.#store.removeFromIndex({ ...place, id: session.id })));
  }

  /**
   * Makes a session findable under the active entry too. `false`: the person was signed out after that sign-in.
   *
   * It stays where it was, until it ends or its time is up. During a rotation two instances
   * have the entries in different orders: each would take out what the other just added,
   * and no back-channel logout would find the session any more.
   */
  async spread(session: IndexedSession): Promise<boolean> {
    return (await this.add(session)) && !(await this.isBarred(session));
  }

  /**
   * Refuses every sign-in of `sought` before `instant`, and gives the sessions there
   * are. They stay in the index until they are dropped, each after its end.
   */
  async bar(
    { index, issuer, value }: Sought,
    notBefore: { readonly instant: number; readonly ttlMs: number },
  ): Promise<readonly IndexMember[]> {
    const places = this.#keys.entries.map((entry) => placeOf({ index, issuer, value }, entry));
    const found = await Promise.all(
      places.map(async (place) => {
        const ids = await this.#store.setNotBefore(place.index, place.key, notBefore);
        return ids.map((id) => ({ ...place, id }));
      }),
    );
    return found.flat();
  }

  /** The sessions there are, wherever they stand: during a rotation of keys one may be found twice. */
  async membersOf({ index, issuer, value }: Sought): Promise<readonly IndexMember[]> {
    const places = this.#keys.entries.map((entry) => placeOf({ index, issuer, value }, entry));
    const found = await Promise.all(
      places.map(async (place) => {
        const ids = await this.#store.membersOf(place.index, place.key);
        return ids.map((id) => ({ ...place, id }));
      }),
    );
    return found.flat();
  }

  /** Takes out a member whose session has ended. */
  drop(member: IndexMember): Promise<void> {
    return this.#store.removeFromIndex(member);
  }
}

function placesOf({ issuer, subject, sid }: Indexed, entry: KeyEntry): readonly Place[] {
  const bySubject = placeOf({ index: 'sub', issuer, value: subject }, entry);
  return sid === undefined ? [bySubject] : [bySubject, placeOf({ index: 'sid', issuer, value: sid }, entry)];
}

// An issuer is a URL and holds no NUL, so no two of them with their values give the same text.
function placeOf({ index, issuer, value }: Sought, entry: KeyEntry): Place {
  const key = createHmac('sha256', entry.index).update(`${index}\0${issuer}\0${value}`).digest('base64url');
  return { index, key };
}
