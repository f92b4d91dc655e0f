/**
 * Opens, begins, changes and ends the sessions of one frontend.
 *
 * Whatever asks the store can throw `ProblemError('store-unavailable')`. That is
 * never taken for "signed out": the request is refused and the cookie stays.
 *
 * Time decides here and nowhere below: a session that is idle or past its end is
 * ended in the store by whoever finds it.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Frontend } from '../http/frontend.ts';
import { type AuthenticatedRequest, authenticate, type ClearedRequest } from '../http/inbound.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { isSessionSecret, SessionCookie } from './cookie.ts';
import { decodeCard } from './payload.ts';
import { openCard } from './seal.ts';
import type { EndReason, Identity, Lifetimes, OpenedSession, SessionCard, SessionTokens } from './session.ts';
import { endedBy } from './session.ts';
import { type CacheReports, SessionCache } from './session-cache.ts';
import { SessionIndex, type Sought } from './session-index.ts';
import { type NoSession, SessionReader } from './session-reader.ts';
import type { SessionReports } from './session-reports.ts';
import { spendingOf, takeSpendingOver, writeIdentity, writeTokens } from './session-writes.ts';
import { beginSession, type SessionBeginning } from './sign-in.ts';
import { signedOut } from './signed-out.ts';
import type { SessionSnapshot } from './snapshot.ts';
import type { SpendingClaim } from './spending-claim.ts';
import type { Once, SessionStore } from './store.ts';
import { StoredChanges } from './stored-changes.ts';
import { ToldEnds } from './told-ends.ts';
import { SessionUpkeep } from './upkeep.ts';

/** What sessions are made from. */
export interface SessionsParts {
  readonly frontend: Frontend;
  readonly store: SessionStore;
  /** Of the same frontend. */
  readonly keys: KeyRing;
  readonly lifetimes: Lifetimes;
  readonly clock: Clock;
  readonly reports: SessionReports;
  /** Told how the opened sessions that are held do. */
  readonly cacheReports?: CacheReports;
}

/** What is known of a session without its cookie. */
export interface SessionGlimpse {
  readonly id: string;
  readonly card: SessionCard;
  readonly seenAt: number;
}

/** The sessions of one frontend. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #cookie: SessionCookie;
  readonly #index: SessionIndex;
  readonly #reader: SessionReader;
  readonly #upkeep: SessionUpkeep;
  readonly #changes: StoredChanges;
  readonly #ends: ToldEnds;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#cookie = new SessionCookie(parts);
    this.#index = new SessionIndex(parts);
    this.#changes = new StoredChanges(parts);
    this.#ends = new ToldEnds(parts);
    this.#reader = new SessionReader({ ...parts, cookie: this.#cookie, cache: new SessionCache(parts) });
    this.#upkeep = new SessionUpkeep({ ...parts, index: this.#index });
  }

  /**
   * The session of a request, which counts as activity. Throws `session-ended` (401)
   * when there is none: no cookie, a forged one, or a session that is over.
   */
  async open(request: ClearedRequest): Promise<AuthenticatedRequest<OpenedSession>> {
    const found = await this.#find(request);
    if (typeof found === 'string') {
      request.record.detail = `session: ${found}`;
      throw signedOut(this.#parts.frontend);
    }
    return this.#opened(request, found);
  }

  /** As {@link open}, at once, where the session is held and lives; `undefined` says nothing of it. */
  openHeld(request: ClearedRequest): AuthenticatedRequest<OpenedSession> | undefined {
    const held = this.#reader.held(request.sessionCookie);
    return held === undefined || this.#endOf(held) !== undefined ? undefined : this.#opened(request, this.#kept(held));
  }

  #opened(request: ClearedRequest, found: SessionSnapshot): AuthenticatedRequest<OpenedSession> {
    request.record.session = found.id;
    this.#upkeep.noteActivity(found);
    return authenticate(request, found);
  }

  /** The session of a request, or `undefined`. Does not count as activity. */
  async look(request: ClearedRequest): Promise<OpenedSession | undefined> {
    const found = await this.#find(request);
    return typeof found === 'string' ? undefined : found;
  }

  /** The session with this secret, or `undefined`. For express-session, which checked the signature. Does not count as activity. */
  async lookBySecret(secret: string): Promise<OpenedSession | undefined> {
    const found = await this.#unlessOver(await this.#reader.findBySecret(secret));
    return typeof found === 'string' ? undefined : found;
  }

  /** What may be known of a session without its cookie. */
  async lookById(id: string): Promise<SessionGlimpse | undefined> {
    const stored = await this.#parts.store.read(id);
    if (stored === undefined) return undefined;
    const opened = openCard(stored.card, { id, keys: this.#parts.keys });
    const card = opened.fault === undefined ? decodeCard(opened.content) : undefined;
    if (card !== undefined) return { id, card, seenAt: stored.seenAt };
    this.#parts.reports.unreadable(id, { part: 'card', reason: opened.fault ?? 'malformed' });
    return undefined;
  }

  /** The same session as it is in the store now; `undefined` when it is gone. Does not look at the time. */
  async reread(session: OpenedSession): Promise<OpenedSession | undefined> {
    const found = await this.#reader.reread(session);
    return typeof found === 'string' ? undefined : found;
  }

  /**
   * Resolves at the next write of anything in the session, by whomever, or after `limitMs`.
   * Writes of others are told of what was read since the last: ask for the change first
   * and read after it, and none is missed.
   */
  changed(session: OpenedSession, limitMs: number): Promise<void> {
    return this.#changes.next(session.id, limitMs);
  }

  /** Why a session that is gone ended; `undefined` when that is not told within `limitMs`, or was more than a minute ago. */
  whyEnded({ id }: OpenedSession, limitMs: number): Promise<EndReason | undefined> {
    return this.#ends.reasonOf(id, limitMs);
  }

  /** The `Set-Cookie` field for a browser whose cookie an older key signed; `undefined` when the active one did. */
  renewedCookie({ sessionCookie }: ClearedRequest): string | undefined {
    const verified = this.#cookie.verify(sessionCookie);
    return verified === undefined || verified.isCurrent ? undefined : this.#cookie.issue(verified.secret);
  }

  /** The `Set-Cookie` field that deletes the session cookie. */
  removedCookie(): string {
    return this.#cookie.remove();
  }

  /**
   * Begins a session with a secret of 256 random bits that was never used. Throws
   * `SignInOvertakenError` when the person was signed out since, `SessionTooLargeError`
   * when there is too much to keep.
   */
  async start(secret: string, beginning: SessionBeginning): Promise<OpenedSession> {
    if (!isSessionSecret(secret)) throw new Error('a session secret is 256 bits as base64url');
    return beginSession({ ...this.#parts, index: this.#index }, { seal: this.#reader.sealOf(secret), beginning });
  }

  /**
   * Ends a session in the store, which tells every instance; then takes it out of the
   * index, where an opened session is given. `false` when it had ended before.
   */
  async end(session: OpenedSession | string, reason: EndReason): Promise<boolean> {
    const opened = typeof session === 'string' ? undefined : session;
    const id = opened?.id ?? String(session);
    const hasLived = await this.#parts.store.end(id, reason);
    if (hasLived) this.#parts.reports.ended({ id, identity: opened?.identity }, reason);
    if (opened !== undefined) await this.#forget(opened);
    return hasLived;
  }

  /** Ends the session with this secret, whether it can be read or not. `false` when there was none. */
  async endBySecret(secret: string, reason: EndReason): Promise<boolean> {
    const found = await this.#reader.findBySecret(secret);
    if (found === 'forged' || found === 'unknown') return false;
    return this.end(typeof found === 'string' ? this.#reader.sealOf(secret).id : found, reason);
  }

  /** Ends the session that a browser had before it signed in again. */
  endPrevious(id: string): Promise<boolean> {
    return this.end(id, 'replaced');
  }

  /**
   * Ends every session of a subject, or of a session at the authorization server, and
   * refuses sign-ins of before `notBefore` (ms), also those under way. Says how many
   * it ended. May be repeated when it failed half-way.
   */
  async endAllOf(
    sought: Sought,
    { notBefore, reason }: { readonly notBefore: number; readonly reason: EndReason },
  ): Promise<number> {
    const bound = { instant: notBefore, ttlMs: this.#parts.lifetimes.lifetimeMs };
    const members = await this.#index.bar(sought, bound);
    const ended = await Promise.all(
      members.map(async (member) => {
        const hasLived = await this.end(member.id, reason);
        // One that was not there may be about to be created, and may be none of those that are refused: it must stay findable.
        if (hasLived) await this.#index.drop(member);
        return hasLived;
      }),
    );
    return ended.filter(Boolean).length;
  }

  /** Whether a session of `sought` is in the index. Writes nothing. */
  async hasAnyOf(sought: Sought): Promise<boolean> {
    return (await this.#index.membersOf(sought)).length > 0;
  }

  /** Claims the refresh token of a session. See `SessionStore.beginSpending`. */
  beginSpending(session: OpenedSession, claim: SpendingClaim): Promise<'begun' | 'busy' | 'changed' | 'gone'> {
    return this.#parts.store.beginSpending(spendingOf(session, claim));
  }

  /** Claims in place of an owner that is gone, who may have spent the refresh token. */
  takeSpendingOver(session: OpenedSession, claim: SpendingClaim): Promise<'begun' | 'busy' | 'changed' | 'gone'> {
    return takeSpendingOver(this.#parts.store, { session, claim });
  }

  /** Moves `until` of one's own claim. `false` when it was lost. */
  extendSpending(session: OpenedSession, claim: SpendingClaim): Promise<boolean> {
    return this.#parts.store.extendSpending(spendingOf(session, claim));
  }

  /** Gives one's own claim back unspent. `false` when it was not one's own. */
  abandonSpending(session: OpenedSession, claim: SpendingClaim): Promise<boolean> {
    return this.#parts.store.abandonSpending(spendingOf(session, claim));
  }

  /** Writes new tokens and ends the claim. The session with them, or `undefined` when the claim was lost or the session is gone. */
  saveTokens(session: OpenedSession, claim: SpendingClaim, tokens: SessionTokens): Promise<OpenedSession | undefined> {
    return writeTokens(this.#parts.store, { session, claim, tokens });
  }

  /** Writes other claims of the same person. The session with them, or `undefined` when another wrote meanwhile or it is gone. */
  replaceIdentity(session: OpenedSession, identity: Identity): Promise<OpenedSession | undefined> {
    return writeIdentity(this.#parts.store, { session, identity });
  }

  /** Marks a one-time value as used by the claim `id`. `false` when another claim was first. The store learns its hash only. */
  claimOnce(kind: Once, value: string, claim: { readonly id: string; readonly ttlMs: number }): Promise<boolean> {
    return this.#parts.store.useOnce(kind, hashOf(value), claim);
  }

  /** Whether a one-time value was claimed. Claims nothing. */
  wasClaimed(kind: Once, value: string): Promise<boolean> {
    return this.#parts.store.wasUsed(kind, hashOf(value));
  }

  async #find(request: ClearedRequest): Promise<SessionSnapshot | NoSession | EndReason> {
    const { sessionCookie } = request;
    const found = await this.#unlessOver(this.#reader.held(sessionCookie) ?? (await this.#reader.find(sessionCookie)));
    if (typeof found !== 'string') request.record.session = found.id;
    return found;
  }

  async #unlessOver(found: SessionSnapshot | NoSession): Promise<SessionSnapshot | NoSession | EndReason> {
    if (typeof found === 'string') return found;
    if (this.#endOf(found) === undefined) return this.#kept(found);
    // What was held in memory may be older than activity that was noted elsewhere: nobody is signed out by that.
    const latest = await this.#reader.reread(found);
    if (typeof latest === 'string') return latest;
    const reason = this.#endOf(latest);
    if (reason === undefined) return this.#kept(latest);
    await this.end(latest, reason);
    return reason;
  }

  #endOf(found: SessionSnapshot): EndReason | undefined {
    const { lifetimes, clock } = this.#parts;
    return endedBy(found, { lifetimes, now: clock.now() });
  }

  #kept(found: SessionSnapshot): SessionSnapshot {
    this.#upkeep.renewSeal(found);
    return found;
  }

  // The session has ended; what is left in the index names nothing and goes with its end.
  async #forget(session: OpenedSession): Promise<void> {
    try {
      await this.#index.remove(session);
    } catch (cause) {
      this.#parts.reports.trouble(session.id, { what: 'an ended session is still in the index', cause });
    }
  }
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}
