/**
 * An authorization response as the browser brought it: in the query, in a form, or
 * as a signed JWT (JARM). Pure.
 *
 * There is one way that was asked for, and what comes in another is refused,
 * weaker or not: otherwise whoever leads a browser here would choose how his
 * response is checked.
 *
 * What a signed response says is read before its signature is checked, to find the
 * sign-in by its `state`; nothing else of it is used before that ({@link checkSignedResponse}).
 *
 * @module
 */

import type { ResponseMode } from '../config/authorization-flow.ts';
import { aheadSeconds, expiryLeewaySeconds, isForUsAlone, isInstant } from './checks.ts';
import { JwsError, parseJws, signatureAlgorithms } from './jws.ts';
import type { VerifiedJws } from './key-set.ts';
import type { JsonObject } from './strict-json.ts';

/** What came, before anything of it is believed. */
export interface ReceivedResponse {
  readonly parameters: URLSearchParams;
  /** The JWT that they were read from; must be verified. */
  readonly jwt: string | undefined;
  /** Why it is not used whatever it says; a stable word. */
  readonly fault: string | undefined;
}

/** Reads a response of the configured mode. */
export function receivedResponse(sent: URLSearchParams, mode: ResponseMode): ReceivedResponse {
  const hasJwt = sent.has('response');
  if (mode !== 'jwt') return { parameters: sent, jwt: undefined, fault: hasJwt ? 'response-mode' : undefined };
  const [jwt = '', ...more] = sent.getAll('response');
  if (!hasJwt || more.length > 0 || sent.size > 1) return { parameters: sent, jwt: undefined, fault: 'response-mode' };
  try {
    const { claims } = parseJws(jwt, signatureAlgorithms);
    return { parameters: parametersIn(claims), jwt, fault: undefined };
  } catch (error) {
    if (!(error instanceof JwsError)) throw error;
    return { parameters: new URLSearchParams(), jwt: undefined, fault: error.reason };
  }
}

/** Claims of the JWT itself, which are no parameters (JARM, 2.1); `iss` is both. */
const ofTheJwt: ReadonlySet<string> = new Set(['aud', 'exp', 'iat', 'nbf', 'jti']);

function parametersIn(claims: JsonObject): URLSearchParams {
  const texts = Object.entries(claims).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !ofTheJwt.has(entry[0]),
  );
  return new URLSearchParams(texts);
}

/** Which claim of a signed response is wrong. */
export type SignedResponseFault =
  | 'response-issuer'
  | 'response-audience'
  | 'response-expiry'
  | 'response-issued-at'
  | 'response-not-before';

/** What a signed response is held against. */
export interface ExpectedSignedResponse {
  readonly issuer: string;
  readonly clientId: string;
  /** The instant, ms. */
  readonly now: number;
}

/** Ten minutes are recommended (JARM, 2.1); what lives longer than an hour is no answer to a browser that waits. */
const longestLifeSeconds = 60 * 60;

/** Holds the claims of a response whose signature is right against whom it must be from and for (JARM, 2.4). */
export function checkSignedResponse(
  { claims }: Pick<VerifiedJws, 'claims'>,
  { issuer, clientId, now: nowMs }: ExpectedSignedResponse,
): SignedResponseFault | undefined {
  const { iss, aud, exp, iat, nbf } = claims;
  const now = nowMs / 1000;
  if (iss !== issuer) return 'response-issuer';
  if (!isForUsAlone(aud, clientId)) return 'response-audience';
  if (!isInstant(exp) || exp <= now - expiryLeewaySeconds || exp > now + longestLifeSeconds) return 'response-expiry';
  if (iat !== undefined && (!isInstant(iat) || iat > now + aheadSeconds)) return 'response-issued-at';
  if (nbf !== undefined && (!isInstant(nbf) || nbf > now + aheadSeconds)) return 'response-not-before';
  return undefined;
}
