/**
 * What may be sent a second time. Pure.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import { challengesIn } from '../http/challenges.ts';
import { hasBody } from '../http/framing.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';

/** The facts of a request that decide it. */
export interface RepeatFacts {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** Whether doing it twice is as good as once, and nothing of it was used up: GET and HEAD without a body (RFC 9110, 9.2.2). */
export function isRepeatable({ method, headers }: RepeatFacts): boolean {
  return (method === 'GET' || method === 'HEAD') && !hasBody(headers);
}

/**
 * Whether it can be sent again after an answer that says it was not carried out.
 * POST and PATCH are never sent twice, whatever the answer says of the token; what it
 * says of the proof's nonce is another matter (proof.ts).
 */
export function isUnread({ method, headers }: RepeatFacts): boolean {
  return method !== 'POST' && method !== 'PATCH' && !hasBody(headers);
}

/** What an answer is to. */
export interface Answered {
  readonly headers: IncomingHttpHeaders;
  readonly of: Pick<AuthorizedRequest, 'request' | 'authorization'>;
}

/** Whether an answer refuses the token of a call that can be sent again with another. */
export function wantsToken(status: number, { headers, of }: Answered): boolean {
  return status === 401 && of.authorization !== undefined && isUnread(of.request) && refusesToken(headers);
}

const invalidToken = /\berror\s*=\s*"?invalid_token\b/i;

/** Whether the upstream refused the token itself, not what it allows (RFC 6750, 3.1). */
export function refusesToken(headers: IncomingHttpHeaders): boolean {
  return invalidToken.test(challengesIn(headers['www-authenticate']));
}
