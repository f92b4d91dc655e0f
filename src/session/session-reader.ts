/**
 * From the cookie of a request to its opened session: verify, read, open.
 *
 * The one place where a session is looked up by its secret. Before it stands the
 * cache of opened sessions, for the cookies of requests and for nothing else: whoever
 * asks for a session as it is now, or by its secret, asks the store. Nothing here
 * decides by time.
 *
 * @module
 */

import type { Frontend } from '../http/frontend.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { isSessionSecret, type SessionCookie, type VerifiedCookie } from './cookie.ts';
import { SessionSeal } from './seal.ts';
import type { OpenedSession } from './session.ts';
import type { SessionCache, SessionReading } from './session-cache.ts';
import type { KeyPosition, SessionReports } from './session-reports.ts';
import { openStored, SessionSnapshot } from './snapshot.ts';
import type { SessionStore } from './store.ts';

/** Why there is no session: the request has no cookie, none of ours, or one whose session is not there or cannot be read. */
export type NoSession = 'no-cookie' | 'forged' | 'unknown' | 'unreadable';

/** What reading needs. */
export interface ReaderParts {
  readonly frontend: Frontend;
  readonly store: SessionStore;
  readonly keys: KeyRing;
  readonly cookie: SessionCookie;
  readonly cache: SessionCache;
  readonly reports: SessionReports;
}

/** Looks sessions up. Throws `store-unavailable` when it cannot be known whether there is one. */
export class SessionReader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** The session that this raw value of the cookie was answered with a moment ago, where that can still be relied on. */
  held(cookie: string | undefined): SessionSnapshot | undefined {
    return cookie === undefined ? undefined : this.#parts.cache.get(cookie);
  }

  /** By the raw value of the cookie, where it is not held. A cookie that we did not sign asks the store nothing. */
  async find(cookie: string | undefined): Promise<SessionSnapshot | NoSession> {
    if (cookie === undefined) return 'no-cookie';
    const { cache, reports } = this.#parts;
    const same = await cache.compared(cookie);
    if (same !== undefined) return same;
    const verified = this.#parts.cookie.verify(cookie);
    if (verified === undefined) return 'forged';
    const seal = this.sealOf(verified.secret);
    const { isCurrent } = verified;
    const found = await cache.keep({ cookie, id: seal.id, isCurrent }, () => this.#read(seal));
    if (found instanceof SessionSnapshot) reports.opened(positionsOf(found, verified));
    return found;
  }

  /** By the secret itself, whose signature was checked before. */
  async findBySecret(secret: string): Promise<SessionSnapshot | NoSession> {
    return isSessionSecret(secret) ? (await this.#read(this.sealOf(secret))).found : 'forged';
  }

  /** The same session as it is in the store now. */
  async reread(session: OpenedSession): Promise<SessionSnapshot | NoSession> {
    return (await this.#read(SessionSnapshot.partsOf(session).seal)).found;
  }

  /** What seals a session with this secret. */
  sealOf(secret: string): SessionSeal {
    const { keys, frontend } = this.#parts;
    return new SessionSeal(secret, { keys, frontendId: frontend.id });
  }

  async #read(seal: SessionSeal): Promise<SessionReading<NoSession>> {
    const { store, keys, reports } = this.#parts;
    const stored = await store.read(seal.id);
    if (stored === undefined) return { found: 'unknown', storedBytes: 0 };
    const storedBytes = stored.sealed.length + stored.tokens.sealed.length + stored.card.length;
    const opened = openStored(stored, { seal, keys });
    if (opened instanceof SessionSnapshot) return { found: opened, storedBytes };
    reports.unreadable(seal.id, opened);
    return { found: 'unreadable', storedBytes };
  }
}

function positionsOf(
  snapshot: SessionSnapshot,
  { isCurrent }: VerifiedCookie,
): { readonly cookie: KeyPosition; readonly record: KeyPosition } {
  const position = (isActive: boolean) => (isActive ? 'active' : 'older');
  return { cookie: position(isCurrent), record: position(SessionSnapshot.partsOf(snapshot).isCurrent) };
}
