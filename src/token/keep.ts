/**
 * What becomes of new tokens: they are written, and where that cannot be, revoked.
 *
 * What the provider gave cannot be had a second time, so a write that fails is
 * made again while the store is away; the claim is extended meanwhile.
 *
 * @module
 */

import { codeOf } from '../errors.ts';
import type { Grant } from '../oidc/grant.ts';
import { persist } from '../session/persist.ts';
import type { OpenedSession, SessionTokens } from '../session/session.ts';
import { setOf } from './freshness.ts';
import { renewedIdentity } from './identity.ts';
import type { Spending, SpendingParts, Step } from './renewal.ts';
import { isLateToBeRevoked } from './revoke-ended.ts';

/** New tokens are held and written again for this long while the store is away. */
export const holdMs = 60_000;
/** Within this the store has told why a session is gone, if it tells at all. */
const tellingMs = 1_000;

/** The tokens of a session after a grant: the set of one audience is new, and the refresh token where another came. */
export function tokensAfter({ session, refreshToken, audience }: Spending, grant: Grant): SessionTokens {
  const { tokens } = session;
  const isRotated = grant.refreshToken !== undefined && grant.refreshToken !== refreshToken;
  return {
    refreshToken: grant.refreshToken ?? refreshToken,
    // Without a word on it, the end of another refresh token is not known, and that of the same one is what it was.
    refreshExpiresAt: grant.refreshExpiresAt ?? (isRotated ? undefined : tokens.refreshExpiresAt),
    rotates: isRotated || tokens.rotates === true,
    sets: { ...tokens.sets, [audience]: grant.tokens },
    idToken: grant.idTokenHint ?? tokens.idToken,
  };
}

/** Writes the tokens of a grant. Never throws for want of the store. */
export async function keep(parts: SpendingParts, spending: Spending, grant: Grant): Promise<Step> {
  const { sessions, clock, reports } = parts;
  const { session, audience, claim } = spending;
  const tokens = tokensAfter(spending, grant);
  try {
    const limits = { clock, limitMs: holdMs };
    const saved = await persist(() => sessions.saveTokens(session, claim, tokens), limits);
    if (saved === undefined) return await persist(() => keepElsewise(parts, spending, grant), limits);
    return await kept(parts, saved, { audience, grant });
  } catch (cause) {
    revokeLate(parts, spending, grant);
    reports.refreshFailed(session, { audience, failure: 'save-failed', reason: codeOf(cause), cause });
    return { kind: 'unavailable', failure: 'save-failed', cause };
  }
}

// The claim was no longer ours. A session that is gone stays gone. A claim that the store has forgotten (a failover) is made
// again. Tokens that another wrote are used and ours dropped: both are of one grant, so revoking ours could end theirs, too
// (RFC 7009, 2.1).
async function keepElsewise(parts: SpendingParts, spending: Spending, grant: Grant): Promise<Step> {
  const { sessions, reports, clock, leaseMs } = parts;
  const { session, audience, claim } = spending;
  const latest = await sessions.reread(session);
  if (latest === undefined) {
    const reason = await sessions.whyEnded(session, tellingMs);
    if (isLateToBeRevoked(session.tokens, reason)) revokeLate(parts, spending, grant);
    reports.refreshFailed(session, { audience, failure: 'signed-out', reason: 'session-gone' });
    return { kind: 'ended' };
  }
  // Ours after all: the write was taken, its answer lost, and its repetition sealed other bytes.
  if (setOf(latest.tokens, audience)?.accessToken === grant.tokens.accessToken)
    return kept(parts, latest, { audience, grant });
  const again = { owner: claim.owner, until: clock.now() + leaseMs };
  if (latest.tokensVersion === session.tokensVersion && (await sessions.beginSpending(latest, again)) === 'begun') {
    const saved = await sessions.saveTokens(latest, again, tokensAfter(spending, grant));
    if (saved !== undefined) return kept(parts, saved, { audience, grant });
  }
  return { kind: 'again', session: latest };
}

async function kept(
  parts: SpendingParts,
  session: OpenedSession,
  { audience, grant }: { readonly audience: string; readonly grant: Grant },
): Promise<Step> {
  parts.reports.refreshed(session, audience);
  return { kind: 'renewed', session: await takeClaims(parts, session, grant) };
}

// The tokens are saved by now, so what goes wrong here is told and made good at the next refresh.
async function takeClaims(parts: SpendingParts, session: OpenedSession, { idToken }: Grant): Promise<OpenedSession> {
  const identity = idToken && renewedIdentity(session.identity, { idToken, listed: parts.userClaims });
  if (identity === undefined) return session;
  try {
    return (await parts.sessions.replaceIdentity(session, identity)) ?? session;
  } catch (cause) {
    parts.reports.trouble(session, { what: 'changed claims could not be written', cause });
    return session;
  }
}

// A provider that gave no other refresh token leaves the old one alive.
function revokeLate({ revoker }: SpendingParts, { session, refreshToken }: Spending, grant: Grant): void {
  revoker.revokeLate([grant.refreshToken ?? refreshToken, grant.tokens.accessToken], session);
}
