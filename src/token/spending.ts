/**
 * Spends the refresh token of one session once: the grant, and what its failures
 * lead to. The claim to do so was made before (refresh.ts); what becomes of new
 * tokens stands in keep.ts.
 *
 * @module
 */

import { type Grant, GrantError } from '../oidc/grant.ts';
import { dpopKeyIn } from '../session/session.ts';
import { type RefreshFailure, refreshFailures } from './failures.ts';
import { setOf } from './freshness.ts';
import { giveBack } from './give-back.ts';
import { isSamePerson } from './identity.ts';
import { keep } from './keep.ts';
import { keepClaim } from './lease.ts';
import type { Spending, SpendingParts, Step } from './renewal.ts';

/** Spends the refresh token. Throws `store-unavailable` when the end of a session could not be written. */
export async function spend(parts: SpendingParts, spending: Spending): Promise<Step> {
  const stop = keepClaim(parts, spending);
  try {
    const grant = await grantFor(parts, spending).catch(failureFrom);
    if ('failure' in grant) {
      spending.attempt.end(refreshFailures[grant.failure].pauses ? 'away' : 'answered', grant.retryAfterMs);
      return await fail(parts, spending, grant);
    }
    spending.attempt.end('answered');
    return await keep(parts, spending, grant);
  } finally {
    stop();
  }
}

async function grantFor({ provider }: SpendingParts, { session, refreshToken, audience }: Spending): Promise<Grant> {
  const { identity, tokens } = session;
  const { issuer, subject, authTime, nonce } = identity;
  const scope = (setOf(tokens, audience) ?? setOf(tokens, ''))?.scope;
  const previous = { issuer, subject, authTime, nonce, scope };
  const dpopKey = dpopKeyIn(tokens);
  const grant = await provider.refresh(refreshToken, { audience: audience || undefined, previous, dpopKey });
  if (grant.idToken === undefined || isSamePerson(identity, grant.idToken)) return grant;
  const tokensToRevoke = [grant.refreshToken, grant.tokens.accessToken].filter((token) => token !== undefined);
  throw new GrantError('invalid', { reason: 'id-token-subject', tokensToRevoke });
}

interface Failed {
  readonly failure: RefreshFailure;
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
  readonly cause: unknown;
  readonly tokensToRevoke: readonly string[];
}

function failureFrom(cause: unknown): Failed {
  // Not a word of the provider: nobody is signed out by a fault of ours.
  if (!(cause instanceof GrantError))
    return { failure: 'unreachable', reason: 'unexpected', cause, tokensToRevoke: [] };
  const { kind, reason, sent, retryAfterMs, tokensToRevoke } = cause;
  // RFC 8707, 2: the target is refused, not the grant.
  const failure = kind === 'refused' && reason === 'invalid_target' ? 'target-refused' : kind;
  return {
    failure,
    reason: failure === 'unreachable' && !sent ? `${reason}, not sent` : reason,
    retryAfterMs,
    cause,
    tokensToRevoke,
  };
}

async function fail(parts: SpendingParts, spending: Spending, failed: Failed): Promise<Step> {
  const { sessions, reports, revoker } = parts;
  const { session, audience, refreshToken } = spending;
  const { failure, reason, cause, tokensToRevoke } = failed;
  if (!refreshFailures[failure].endsSession) {
    await giveBack(parts, spending);
    reports.refreshFailed(session, { audience, failure, reason, cause });
    return { kind: 'unavailable', failure, retryAfterMs: failed.retryAfterMs, cause };
  }
  if (failure === 'invalid') revoker.revokeLate([...tokensToRevoke, refreshToken], session);
  const latest = await sessions.reread(session);
  if (failure === 'refused' && latest !== undefined && latest.tokensVersion !== session.tokensVersion) {
    return { kind: 'again', session: latest };
  }
  await sessions.end(session, 'refresh-failed');
  if (failure === 'refused' && latest?.tokens.rotates === true) reports.reuseSuspected(session);
  const isOver = latest === undefined; // a sign-out revokes the token, and so it is refused
  reports.refreshFailed(session, { audience, failure: isOver ? 'signed-out' : failure, reason, cause });
  return { kind: 'ended' };
}
