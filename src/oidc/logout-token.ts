/**
 * What a logout token must say, after its signature (OpenID Connect Back-Channel
 * Logout 1.0, 2.4 and 2.6). Pure.
 *
 * Stricter than the letter where it leaves a choice: `exp` and `jti` must be there
 * (`exp` unless `BACKCHANNEL_LOGOUT_STRICT` says otherwise), and it is taken for two minutes only, so that what was used once can be
 * remembered for longer than it is good.
 *
 * @module
 */

import type { Sought } from '../session/session-index.ts';
import { aheadSeconds, expiryLeewaySeconds, isForUsAlone, isInstant, isSubject } from './checks.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** The check that failed. */
export type LogoutTokenFault =
  | 'logout-token-issuer'
  | 'logout-token-audience'
  | 'logout-token-issued-at'
  | 'logout-token-expiry'
  | 'logout-token-not-before'
  | 'logout-token-id'
  | 'logout-token-events'
  | 'logout-token-nonce'
  | 'logout-token-subject';

/** What a logout token orders. */
export interface LogoutOrder {
  readonly sought: Sought;
  /** Seconds. */
  readonly iat: number;
  readonly jti: string;
}

/** What every logout token is held against. */
export interface ExpectedLogout {
  readonly issuer: string;
  readonly clientId: string;
  /** The instant, ms. */
  readonly now: number;
  /** Whether `exp` must be there. One that is there must be right in any case. */
  readonly strict: boolean;
}

/** How old a logout token may be: time for a second delivery, and no more (2.6: "a recent time"). */
const maxAgeSeconds = 120;
/** The one member of `events` that makes it a logout token. */
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

/** What the claims of a verified logout token order, or the check that failed. */
export function readLogoutOrder(claims: JsonObject, expected: ExpectedLogout): LogoutOrder | LogoutTokenFault {
  const { iss, aud, iat, jti, events } = claims;
  if (iss !== expected.issuer) return 'logout-token-issuer';
  if (!isForUsAlone(aud, expected.clientId)) return 'logout-token-audience';
  if (!isInstant(iat)) return 'logout-token-issued-at';
  const late = faultOfTimes({ ...claims, iat }, expected);
  if (late !== undefined) return late;
  if (!isSubject(jti)) return 'logout-token-id';
  if (!isJsonObject(events) || !isJsonObject(events[logoutEvent])) return 'logout-token-events';
  // An ID token has one; what has one is none of these (2.4).
  if (Object.hasOwn(claims, 'nonce')) return 'logout-token-nonce';
  const sought = soughtIn(claims, expected.issuer);
  return sought === undefined ? 'logout-token-subject' : { sought, iat, jti };
}

function faultOfTimes(
  { iat, exp, nbf }: JsonObject & { readonly iat: number },
  expected: ExpectedLogout,
): LogoutTokenFault | undefined {
  const now = expected.now / 1000;
  if (iat > now + aheadSeconds || iat < now - maxAgeSeconds) return 'logout-token-issued-at';
  if (exp === undefined ? expected.strict : !isInstant(exp) || exp <= now - expiryLeewaySeconds)
    return 'logout-token-expiry';
  return nbf === undefined || (isInstant(nbf) && nbf <= now + aheadSeconds) ? undefined : 'logout-token-not-before';
}

// With `sid` exactly that session is meant, whoever it is of; without, every session of the person (2.7).
function soughtIn({ sub, sid }: JsonObject, issuer: string): Sought | undefined {
  if (sub !== undefined && !isSubject(sub)) return undefined;
  if (sid !== undefined) return isSubject(sid) ? { index: 'sid', issuer, value: sid } : undefined;
  return sub === undefined ? undefined : { index: 'sub', issuer, value: sub };
}
