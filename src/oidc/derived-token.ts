/**
 * Tokens that are not those of a sign-in: the client's own (RFC 6749, 4.4), and
 * those a person's token is exchanged for (RFC 8693). What is asked for, and what of
 * an answer is used. Pure.
 *
 * @module
 */

import type { Dialect } from '../config/config.ts';
import type { TokenSet, UsableToken } from '../session/session.ts';
import { audienceOf } from './authorization-query.ts';
import { GrantError } from './grant.ts';
import { boundTo, type TokenAnswer } from './token-answer.ts';

/** For whom a token shall be, and what it shall allow. */
export interface TokenTarget {
  /** A resource (RFC 8707); the provider's default when undefined. */
  readonly audience: string | undefined;
  readonly scopes: readonly string[];
}

/** RFC 8693, 2.1. */
export const exchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** The parameters that name the target. */
export function targetParameters({ audience, scopes }: TokenTarget, dialect?: Dialect): Record<string, string> {
  return {
    ...audienceOf(audience, dialect),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
  };
}

/** What a person's token is sent as, and what is wanted for it (RFC 8693, 2.1). */
export function exchangeParameters(
  { accessToken: subjectToken }: UsableToken,
  target: TokenTarget,
  dialect?: Dialect,
): Record<string, string> {
  return {
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    requested_token_type: accessTokenType,
    ...targetParameters(target, dialect),
  };
}

/** A token answer, and when it was asked for, ms. */
export interface AskedAnswer {
  readonly answer: TokenAnswer;
  readonly askedAt: number;
  /** What the token is bound to. */
  readonly dpopKey: string | undefined;
}

/**
 * The token of an answer. One without a known end is used for a minute: nobody else
 * would end it. Throws {@link GrantError} for one that is no access token.
 */
export function derivedTokenFrom({ answer, askedAt, dpopKey }: AskedAnswer, target: TokenTarget): TokenSet {
  const { accessToken, expiresInMs = shortMs, scope = target.scopes, issuedTokenType } = answer;
  if (issuedTokenType !== undefined && issuedTokenType !== accessTokenType && issuedTokenType !== jwtType) {
    throw new GrantError('invalid', { reason: 'issued-token-type' });
  }
  return { accessToken, issuedAt: askedAt, expiresAt: askedAt + expiresInMs, scope, ...boundTo(dpopKey) };
}

const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
const shortMs = 60_000;
