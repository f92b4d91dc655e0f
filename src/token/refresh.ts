/**
 * The race for new tokens, won once: over all calls, audiences and instances, one
 * grant of a session at a time, since all of them spend the one refresh token.
 *
 * Calls that want the same share one flight. Flights of one session queue here;
 * between instances the claim in the store decides (session/store.ts). Who comes
 * second reads what the first has written. So a provider with reuse detection
 * sees every refresh token once, in order (RFC 9700, 4.14.2; RF-03, RF-04).
 *
 * What happens under the claim stands in spending.ts, what failures lead to in
 * failures.ts. Whether a token must be renewed is decided in tokens.ts.
 *
 * @module
 */

import { pause } from '../base/clock.ts';
import { randomToken } from '../base/random.ts';
import { SingleFlight } from '../base/single-flight.ts';
import type { OpenedSession } from '../session/session.ts';
import type { Attempts } from './attempts.ts';
import { freshnessOf, setOf } from './freshness.ts';
import { giveBack } from './give-back.ts';
import { partOfLease } from './lease.ts';
import { type WaitingParts, waitForOwner } from './owner.ts';
import type { Claim, Renewal, SpendableSessions, Spending, SpendingParts, Step } from './renewal.ts';
import { spend } from './spending.ts';

/** What is asked of the sessions by a refresh. */
export interface RefreshableSessions extends SpendableSessions {
  /**
   * Begins in place of the owner that the session was read with, who is gone. For
   * tokens that may be spent twice only: the owner may have spent it.
   */
  takeSpendingOver(session: OpenedSession, claim: Claim): Promise<'begun' | 'busy' | 'changed' | 'gone'>;
  /** Resolves when the session changed, or after `limitMs`. */
  changed(session: OpenedSession, limitMs: number): Promise<void>;
}

/** What a refresher is made from. */
export interface RefresherParts extends Omit<SpendingParts, 'sessions' | 'leaseMs'>, Omit<WaitingParts, 'leaseMs'> {
  readonly sessions: RefreshableSessions;
  readonly attempts: Attempts;
  /** How long a claim stands without being extended; 15 s by default. Longer than a process is ever stopped, shorter than people wait. */
  readonly leaseMs?: number | undefined;
}

/** After this a flight is given up by its owner. It is longer than a claim that nobody extends. */
const flightLimitMs = 60_000;
/** Each round sees something newer than the one before, so even a busy session needs few. */
const mostRounds = 20;
const targetPauseMs = 30_000;

/** Renews tokens. One for each process and provider. */
export class Refresher {
  readonly #parts: RefresherParts & SpendingParts;
  readonly #flights = new SingleFlight<Renewal>();
  /** The last flight of each session that has one under way. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Until when (by `Clock.elapsed`) nobody asks for an audience that the provider refused. Audiences come from the configuration. */
  readonly #refusedTargets = new Map<string, number>();
  readonly #process = randomToken(128);
  #claims = 0;

  constructor(parts: RefresherParts) {
    this.#parts = { ...parts, leaseMs: parts.leaseMs ?? 15_000 };
  }

  /**
   * New tokens for `audience`: others than those of the given session, whoever
   * brings them. Throws `store-unavailable`. Takes as long as it takes; a caller
   * that does not wait so long may leave it alone.
   */
  renew(session: OpenedSession, audience: string): Promise<Renewal> {
    const key = JSON.stringify([session.id, audience]);
    return this.#flights.run(key, () => this.#queued(session.id, () => this.#turn(session, audience)));
  }

  /** How many refreshes are under way or queued. */
  get size(): number {
    return this.#flights.size;
  }

  /** Resolves when nothing is under way any more, or after `limitMs`: what a process that ends still holds then is lost. */
  async settled(limitMs?: number): Promise<void> {
    const drained = this.#drained();
    await (limitMs === undefined ? drained : Promise.race([drained, pause(this.#parts.clock, limitMs)]));
  }

  async #drained(): Promise<void> {
    while (this.#queues.size > 0) await Promise.all(this.#queues.values());
  }

  async #queued(id: string, turn: () => Promise<Renewal>): Promise<Renewal> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const flight = before.then(turn);
    const ended = flight.then(
      () => undefined,
      () => undefined, // told to those who wait for the flight; the queue only goes on
    );
    this.#queues.set(id, ended);
    try {
      return await flight;
    } finally {
      if (this.#queues.get(id) === ended) this.#queues.delete(id);
    }
  }

  async #turn(seen: OpenedSession, audience: string): Promise<Renewal> {
    const end = this.#parts.clock.elapsed() + flightLimitMs;
    let step: Step = { kind: 'again', session: seen };
    let lapsed = false;
    for (let rounds = 0; step.kind === 'again'; rounds++) {
      const { session }: { readonly session: OpenedSession } = step;
      if (this.#isNews(session, { seen, audience })) return { kind: 'renewed', session };
      if (rounds === mostRounds || this.#parts.clock.elapsed() >= end) return { kind: 'unavailable', failure: 'late' };
      const round = await this.#round(session, { audience, lapsed, end });
      lapsed = round.kind === 'lapsed';
      step = round.kind === 'lapsed' ? { kind: 'again', session: round.session } : round;
    }
    return step;
  }

  // One attempt to become the owner, and what comes of it.
  async #round(session: OpenedSession, { audience, lapsed, end }: Round): Promise<Step | Lapsed> {
    const { refreshToken } = session.tokens;
    if (refreshToken === undefined) return { kind: 'no-refresh-token' };
    const pauseMs = (this.#refusedTargets.get(audience) ?? 0) - this.#parts.clock.elapsed();
    if (pauseMs > 0) return { kind: 'unavailable', failure: 'target-refused', retryAfterMs: pauseMs };
    const attempt = await this.#parts.attempts.admit();
    if ('retryAfterMs' in attempt) return { kind: 'unavailable', failure: 'paused', ...attempt };
    try {
      const askedAt = this.#parts.clock.elapsed();
      const claim = this.#newClaim();
      const begun = await this.#begin(session, { claim, lapsed });
      if (begun === 'begun' && this.#isLateFor(askedAt)) return await this.#tooLate(session, claim);
      if (begun === 'begun') return await this.#spend({ session, refreshToken, audience, claim, attempt });
      if (begun === 'gone') return { kind: 'ended' };
      if (begun === 'changed') return await this.#reread(session);
    } finally {
      attempt.end('unused'); // unless it was used
    }
    return this.#whenFree(session, { audience, end });
  }

  async #begin(session: OpenedSession, { claim, lapsed }: { readonly claim: Claim; readonly lapsed: boolean }) {
    const { sessions } = this.#parts;
    try {
      return await (lapsed ? sessions.takeSpendingOver(session, claim) : sessions.beginSpending(session, claim));
    } catch (error) {
      void giveBack(this.#parts, { session, claim }); // the store may have taken it, or may take it yet
      throw error;
    }
  }

  // A process that stood still, or a store that took so long: others may take us for gone before we have moved our claim on.
  #isLateFor(askedAt: number): boolean {
    const { clock, leaseMs } = this.#parts;
    return clock.elapsed() - askedAt >= partOfLease(leaseMs);
  }

  async #tooLate(session: OpenedSession, claim: Claim): Promise<Step> {
    await giveBack(this.#parts, { session, claim });
    return await this.#reread(session);
  }

  async #spend(spending: Spending): Promise<Step> {
    const step = await spend(this.#parts, spending);
    if (step.kind === 'unavailable' && step.failure === 'target-refused') {
      this.#refusedTargets.set(spending.audience, this.#parts.clock.elapsed() + targetPauseMs);
    }
    return step;
  }

  async #reread(session: OpenedSession): Promise<Step> {
    const latest = await this.#parts.sessions.reread(session);
    return latest === undefined ? { kind: 'ended' } : { kind: 'again', session: latest };
  }

  async #whenFree(
    session: OpenedSession,
    { audience, end }: { readonly audience: string; readonly end: number },
  ): Promise<Step | Lapsed> {
    const owner = await waitForOwner(session, this.#parts, { end });
    if (owner.kind === 'gone') return { kind: 'ended' };
    if (owner.kind === 'late') return { kind: 'unavailable', failure: 'late' };
    if (owner.kind === 'again' || owner.session.tokens.rotates === false) return owner;
    // The token may be spent, and a second presentation would look like theft.
    const { sessions, revoker, reports } = this.#parts;
    await sessions.end(owner.session, 'refresh-failed');
    revoker.revokeLate([owner.session.tokens.refreshToken ?? ''], owner.session);
    reports.refreshFailed(owner.session, { audience, failure: 'owner-gone', reason: 'claim-lapsed' });
    return { kind: 'ended' };
  }

  #isNews(
    session: OpenedSession,
    { seen, audience }: { readonly seen: OpenedSession; readonly audience: string },
  ): boolean {
    const set = setOf(session.tokens, audience);
    if (set === undefined || set.accessToken === setOf(seen.tokens, audience)?.accessToken) return false;
    const freshness = freshnessOf(set, { now: this.#parts.clock.now(), spread: () => 0 });
    return freshness === 'fresh' || freshness === 'due';
  }

  #newClaim(): Claim {
    this.#claims += 1;
    return { owner: `${this.#process}.${this.#claims}`, until: this.#parts.clock.now() + this.#parts.leaseMs };
  }
}

interface Round {
  readonly audience: string;
  /** The owner before was found to be gone, and its token may be spent again. */
  readonly lapsed: boolean;
  readonly end: number;
}

interface Lapsed {
  readonly kind: 'lapsed';
  readonly session: OpenedSession;
}
