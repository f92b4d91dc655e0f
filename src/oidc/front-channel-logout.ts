/**
 * `GET /frontchannel-logout`: the authorization server loads it in a hidden frame of
 * the browser that signs out (OpenID Connect Front-Channel Logout 1.0). Off unless
 * `FRONTCHANNEL_LOGOUT` is set; back-channel logout is the better way.
 *
 * The frame is of another site, so the Strict cookie does not come with it, and with
 * it nothing would be proven. The session is found on the server by `iss` and `sid`,
 * both of which must be there: `sid` is known to the authorization server, to us and
 * to nobody else.
 *
 * Anybody may ask, so an unknown `sid` writes nothing, and its answer is that of a
 * known one.
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import type { Reply } from '../http/reply.ts';
import type { Sessions } from '../session/sessions.ts';
import { isSubject } from './checks.ts';
import { isSpeculative, purposeOf } from './login-start.ts';

/** What it needs. */
export interface FrontChannelLogoutParts {
  readonly provider: { readonly issuer: string };
  readonly sessions: Pick<Sessions, 'hasAnyOf' | 'endAllOf'>;
  readonly clock: { now(): number };
}

/**
 * Answers 200 whether a session ended or there was none, with nothing in it. Throws
 * `parameter-invalid` (400) unless `iss` is our issuer and `sid` is there, each once;
 * `not-a-navigation`, `method-not-allowed` or `store-unavailable`: then the session lives.
 */
export async function answerFrontChannelLogout(
  request: ClearedRequest,
  { provider, sessions, clock }: FrontChannelLogoutParts,
): Promise<Reply> {
  if (request.method !== 'GET') throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET' } });
  if (isSpeculative(purposeOf(request.headers))) throw new ProblemError('not-a-navigation');
  const { issuer } = provider;
  const parameters = new URLSearchParams(request.search);
  const iss = onlyValue(parameters, 'iss');
  const sid = onlyValue(parameters, 'sid');
  // Compared as it is, without any normalisation (RFC 9207, 2.4).
  if (iss !== issuer || !isSubject(sid)) throw new ProblemError('parameter-invalid');
  const sought = { index: 'sid', issuer, value: sid } as const;
  if (await sessions.hasAnyOf(sought))
    await sessions.endAllOf(sought, { notBefore: clock.now(), reason: 'signed-out' });
  // 3: "no-cache, no-store", and a `Pragma` for the oldest caches.
  return { status: 200, headers: { 'Cache-Control': 'no-cache, no-store', Pragma: 'no-cache' } };
}

function onlyValue(parameters: URLSearchParams, name: string): string | undefined {
  const [value, another] = parameters.getAll(name);
  return another === undefined ? value : undefined;
}
