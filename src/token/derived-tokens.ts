/**
 * Tokens for routes that do not send the person's own: the client's, and those that
 * a person's token is exchanged for.
 *
 * They are held in memory for as long as they live, under keys that name kind,
 * audience, scopes, and the session they belong to; what comes out is held against
 * who asked (design rule 5). An exchanged token lives no longer than the token it was
 * made from is used.
 *
 * @module
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import { SingleFlight } from '../base/single-flight.ts';
import { ProblemError } from '../errors.ts';
import type { TokenTarget } from '../oidc/derived-token.ts';
import { GrantError } from '../oidc/grant.ts';
import type { TokenSet, UsableToken } from '../session/session.ts';
import { freshnessOf } from './freshness.ts';

/** What derived tokens are made from. */
export interface DerivedTokensParts {
  readonly provider: {
    clientToken(target: TokenTarget): Promise<TokenSet>;
    exchange(subject: UsableToken, target: TokenTarget): Promise<TokenSet>;
  };
  readonly clock: Clock;
  /** Told of a failure, with its reason. */
  readonly onFailure: (kind: 'client' | 'exchange', reason: string) => void;
}

/** Whose token is exchanged. */
export interface Subject extends UsableToken {
  readonly sessionId: string;
}

interface Held {
  readonly subject: Subject | undefined;
  readonly set: TokenSet;
}

/** Tokens held at most; the least used goes first. */
const mostHeld = 10_000;
/** After a failure the provider is not asked for the same token again for so long, ms, unless it said how long. */
const pauseMs = 1_000;
const longestPauseMs = 30_000;

/** The derived tokens of one process. */
export class DerivedTokens {
  readonly #parts: DerivedTokensParts;
  readonly #held = new LRUCache<string, Held>({ max: mostHeld });
  readonly #flights = new SingleFlight<TokenSet>();
  /** By `Clock.elapsed`: until when the same is not asked for again, with the same token of the person. */
  readonly #pauses = new LRUCache<string, number>({ max: mostHeld });

  constructor(parts: DerivedTokensParts) {
    this.#parts = parts;
  }

  /** The client's own token for a target. Throws `provider-unreachable` or `provider-answer-invalid`. */
  ofClient(target: TokenTarget): Promise<TokenSet> {
    return this.#token({ target, subject: undefined });
  }

  /** The token that a person's was exchanged for. Throws as {@link ofClient}. */
  ofSubject(subject: Subject, target: TokenTarget): Promise<TokenSet> {
    return this.#token({ target, subject });
  }

  /** Forgets a token that an upstream refused, so that another is asked for. `false` when another has taken its place already. */
  forget(refused: string, asked: Asked): boolean {
    const key = keyOf(asked);
    if (this.#held.get(key)?.set.accessToken !== refused) return false;
    return this.#held.delete(key);
  }

  async #token(asked: Asked): Promise<TokenSet> {
    const key = keyOf(asked);
    const held = this.#held.get(key);
    const isOwn = held !== undefined && isSame(held.subject, asked.subject);
    const freshness = isOwn ? this.#freshnessOf(held.set) : 'expired';
    if (isOwn && freshness === 'fresh') return held.set;
    const flight = this.#flights.run(flightOf(asked), () => this.#ask(key, asked));
    if (!isOwn || freshness !== 'due') return flight;
    flight.catch(() => undefined); // told by #ask; the one that is held still serves
    return held.set;
  }

  async #ask(key: string, asked: Asked): Promise<TokenSet> {
    const { target, subject } = asked;
    const { provider, clock, onFailure } = this.#parts;
    const waitMs = (this.#pauses.get(flightOf(asked)) ?? 0) - clock.elapsed();
    if (waitMs > 0) throw unavailable(waitMs);
    try {
      const set = await (subject === undefined ? provider.clientToken(target) : provider.exchange(subject, target));
      this.#held.set(key, { subject, set });
      return set;
    } catch (error) {
      if (!(error instanceof GrantError)) throw error;
      const { retryAfterMs = pauseMs } = error;
      this.#pauses.set(flightOf(asked), clock.elapsed() + Math.min(longestPauseMs, retryAfterMs));
      onFailure(subject === undefined ? 'client' : 'exchange', error.reason);
      if (error.kind === 'unreachable') throw unavailable(retryAfterMs, error);
      throw new ProblemError('provider-answer-invalid', { cause: error });
    }
  }

  #freshnessOf(set: TokenSet) {
    return freshnessOf(set, { now: this.#parts.clock.now(), spread: () => 0 });
  }
}

/**
 * Whether a person's token was refused as what is exchanged: it may have been revoked at the
 * provider before its end, and then another of the same person helps. RFC 8693 (2.2.2) calls it
 * `invalid_request`, many servers `invalid_grant`, some `invalid_token`.
 */
export function isSubjectRefused(error: unknown): boolean {
  if (!(error instanceof ProblemError) || !(error.cause instanceof GrantError)) return false;
  return error.cause.kind === 'refused' && subjectErrors.has(error.cause.reason);
}

const subjectErrors: ReadonlySet<string> = new Set(['invalid_grant', 'invalid_request', 'invalid_token']);

/** A derived token as it is asked for. */
export interface Asked {
  readonly target: TokenTarget;
  /** `undefined`: the client's own. */
  readonly subject: Subject | undefined;
}

// One for each session and target: a new token of the person takes the place of what came from the old one.
function keyOf({ target: { audience, scopes }, subject }: Asked): string {
  return JSON.stringify([subject?.sessionId ?? '', audience ?? '', scopes.toSorted()]);
}

function flightOf(asked: Asked): string {
  return JSON.stringify([keyOf(asked), asked.subject?.accessToken]);
}

function isSame(held: Subject | undefined, asked: Subject | undefined): boolean {
  return held?.sessionId === asked?.sessionId && held?.accessToken === asked?.accessToken;
}

function unavailable(waitMs: number, cause?: unknown): ProblemError {
  const headers = { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) };
  return new ProblemError('provider-unreachable', { headers, cause });
}
