/**
 * Ends tokens at the provider (RFC 7009) when their session is over.
 *
 * A person who signs out waits for it only so long; what did not work is tried
 * again in the background, and told when it finally failed (LO-04, LO-05). What
 * waits here is held in memory: a process that dies takes it along.
 *
 * @module
 */

import { type Clock, pause } from '../base/clock.ts';
import { codeOf } from '../errors.ts';
import type { SessionFacts } from '../http/inbound.ts';
import { GrantError } from '../oidc/grant.ts';
import type { SessionTokens } from '../session/session.ts';
import type { TokenReports } from './reports.ts';

/** Takes tokens that came too late to be kept. */
export interface LateTokens {
  /** Revokes them in the background. Their kind is not known; a provider looks for all (RFC 7009, 2.1). */
  revokeLate(tokens: readonly string[], session: SessionFacts): void;
}

/** What is asked of the provider. */
export interface RevokingProvider {
  /** `false` where it is not offered. Throws when it did not work. */
  revoke(token: string, hint: TokenHint): Promise<boolean>;
}

/** `token_type_hint` (RFC 7009, 2.1). */
export type TokenHint = 'refresh_token' | 'access_token';

/** What a revoker is made from. */
export interface RevokerParts {
  readonly provider: RevokingProvider;
  readonly reports: Pick<TokenReports, 'revocationFailed'>;
  readonly clock: Clock;
  /** How long a sign-out waits; 2 s by default. */
  readonly budgetMs?: number | undefined;
}

interface Revocation {
  readonly token: string;
  readonly hint: TokenHint;
  readonly session: SessionFacts;
}

const mostWaiting = 1_000;
const mostAtOnce = 4;
const mostAttempts = 8;
const firstPauseMs = 2_000;
const longestPauseMs = 60_000;

/** Revokes tokens. One for each process and provider. */
export class Revoker implements LateTokens {
  readonly #parts: RevokerParts;
  readonly #underWay = new Map<Promise<void>, Revocation>();
  readonly #turns: (() => void)[] = [];
  #running = 0;
  #isOffered = true;

  constructor(parts: RevokerParts) {
    this.#parts = parts;
  }

  /**
   * Revokes what keeps a session alive at the provider: its refresh token, or
   * without one its access tokens. Resolves when that is done or the budget is
   * spent; the rest goes on in the background. Does not throw.
   */
  async revokeSession(session: SessionFacts & { readonly tokens: SessionTokens }): Promise<void> {
    const { refreshToken, sets } = session.tokens;
    const revocations: Revocation[] =
      refreshToken === undefined
        ? Object.values(sets).map(({ accessToken }) => ({ token: accessToken, hint: 'access_token', session }))
        : [{ token: refreshToken, hint: 'refresh_token', session }];
    const { clock, budgetMs = 2_000 } = this.#parts;
    const all = Promise.all(revocations.map((revocation) => this.#start(revocation)));
    await Promise.race([all, pause(clock, budgetMs)]);
  }

  revokeLate(tokens: readonly string[], session: SessionFacts): void {
    for (const token of new Set(tokens)) {
      if (token !== '') void this.#start({ token, hint: 'refresh_token', session });
    }
  }

  /** How many tokens are still to be revoked. */
  get size(): number {
    return this.#underWay.size;
  }

  /** Resolves when nothing is left to revoke, or after `limitMs`: then what is left is told. For a process that is about to end. */
  async settled(limitMs: number): Promise<void> {
    await Promise.race([Promise.all(this.#underWay.keys()), pause(this.#parts.clock, limitMs)]);
    for (const { session } of this.#underWay.values()) this.#parts.reports.revocationFailed(session, 'shutdown');
  }

  // Resolves in any case.
  #start(revocation: Revocation): Promise<void> {
    if (this.#underWay.size >= mostWaiting) {
      this.#parts.reports.revocationFailed(revocation.session, 'queue-full');
      return Promise.resolve();
    }
    const work = this.#revoke(revocation).finally(() => this.#underWay.delete(work));
    this.#underWay.set(work, revocation);
    return work;
  }

  async #revoke(revocation: Revocation): Promise<void> {
    const { clock, reports } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#attempt(revocation);
      if (failure === undefined) return;
      if (attempt === mostAttempts || failure.isFinal) {
        reports.revocationFailed(revocation.session, failure.reason);
        return;
      }
      const growingMs = firstPauseMs * 2 ** (attempt - 1);
      await pause(clock, Math.min(longestPauseMs, Math.max(growingMs, failure.retryAfterMs ?? 0)));
    }
  }

  async #attempt({ token, hint }: Revocation): Promise<Failure | undefined> {
    await this.#turn();
    try {
      return (await this.#parts.provider.revoke(token, hint)) ? undefined : this.#notOffered();
    } catch (error) {
      return failureFrom(error);
    } finally {
      this.#running -= 1;
      this.#turns.shift()?.();
    }
  }

  // The same for every session, so it is told once.
  #notOffered(): Failure | undefined {
    const isNews = this.#isOffered;
    this.#isOffered = false;
    return isNews ? { reason: 'not-offered', isFinal: true } : undefined;
  }

  // A provider in trouble is not asked about a thousand tokens at once.
  async #turn(): Promise<void> {
    if (this.#running >= mostAtOnce) await new Promise<void>((resolve) => this.#turns.push(resolve));
    this.#running += 1;
  }
}

interface Failure {
  readonly reason: string;
  /** Whether trying again is of no use. */
  readonly isFinal: boolean;
  readonly retryAfterMs?: number | undefined;
}

function failureFrom(error: unknown): Failure {
  if (error instanceof GrantError) {
    const { kind, reason, retryAfterMs } = error;
    return { reason, isFinal: kind === 'refused', retryAfterMs };
  }
  return { reason: codeOf(error), isFinal: false };
}
