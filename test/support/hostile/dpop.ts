/**
 * DPoP on the provider's side (RFC 9449): checks proofs and demands nonces, as
 * authorization server (`par`, `token`, `refresh`) and as resource server (`userinfo`).
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto';
import type { JsonObject } from './json.ts';
import type { Jwk } from './keys.ts';
import type { DpopVerdict, LoggedRequest } from './log.ts';
import { parseUnverifiedJws, thumbprintOf, verifiesWith } from './signature.ts';

/**
 * Whether proofs must carry a nonce of the provider's. `endless` demands a fresh
 * one each time and is never content: a client must give up after one repetition.
 */
export type NonceDemand = 'off' | 'demanded' | 'endless';

/** The switches of DPoP. */
export interface DpopSwitches {
  /** At `par`, `token` and `refresh`; `off` by default. */
  authorizationServerNonce: NonceDemand;
  /** At `userinfo`; `off` by default. */
  resourceServerNonce: NonceDemand;
  /** `true` sends a new nonce with every good answer, and takes only the latest from then on (section 8.2). */
  rotateNonce: boolean;
  /** `true` hands out the nonces of the other role, which a client must not mix up (section 9). */
  crossedNonces: boolean;
  /** `true` answers a good proof with `token_type: Bearer` and an unbound token (section 5). */
  downgrade: boolean;
}

/** Which of its two roles the provider is in. */
export type DpopRole = 'authorizationServer' | 'resourceServer';

/** The nonces of one provider. */
export class DpopNonces {
  readonly #current: Record<DpopRole, string> = { authorizationServer: 'as-first', resourceServer: 'rs-first' };

  constructor() {
    this.expire();
  }

  /** The nonce a proof must carry now. */
  current(role: DpopRole): string {
    return this.#current[role];
  }

  /** A new nonce for a role; the old one is worth nothing any more. */
  renew(role: DpopRole): string {
    this.#current[role] = `${role === 'authorizationServer' ? 'as' : 'rs'}-${randomBytes(16).toString('base64url')}`;
    return this.#current[role];
  }

  /** All nonces run out, without anybody being told. */
  expire(): void {
    this.renew('authorizationServer');
    this.renew('resourceServer');
  }
}

/** What a proof is checked against. */
export interface DpopCheck {
  /** The URL the request was for, without query and fragment. */
  readonly target: string;
  /** In s. */
  readonly now: number;
  readonly demand: NonceDemand;
  readonly nonce: string;
  /** The access token that must be hashed in `ath`; none at the token endpoint. */
  readonly accessToken?: string | undefined;
  readonly usedJtis: Set<string>;
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

function isPublicJwk(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && privateMembers.every((name) => !(name in value));
}

function claimsFault(claims: JsonObject, { method, check }: { method: string; check: DpopCheck }): string | undefined {
  const { htm, htu, iat, jti, ath } = claims;
  if (htm !== method) return 'htm';
  if (htu !== check.target) return 'htu';
  if (typeof iat !== 'number' || Math.abs(iat - check.now) > 60) return 'iat';
  // 96 bits of randomness are 16 characters of base64url (section 11.1 with 11.6).
  if (typeof jti !== 'string' || jti.length < 16) return 'jti';
  if (check.usedJtis.has(`dpop ${jti}`)) return 'jti-reused';
  check.usedJtis.add(`dpop ${jti}`);
  const hash =
    check.accessToken === undefined ? undefined : createHash('sha256').update(check.accessToken).digest('base64url');
  if (ath !== hash) return 'ath';
  if (check.demand === 'endless') return 'nonce';
  if (check.demand === 'demanded' && claims.nonce !== check.nonce) return 'nonce';
  return undefined;
}

/** Checks the proof of a request by section 4.3; `undefined` when it brought none. The reason `nonce` asks for a repetition. */
export function checkDpop({ headers, rawHeaders, method }: LoggedRequest, check: DpopCheck): DpopVerdict | undefined {
  const proof = headers.dpop;
  if (typeof proof !== 'string') return undefined;
  const isSingle = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'dpop').length === 1;
  const jws = parseUnverifiedJws(proof);
  if (!jws || !isSingle) return { valid: false, reason: 'malformed', thumbprint: undefined, header: {}, claims: {} };
  const { header, claims } = jws;
  const { jwk, typ } = header;
  const refuse = (reason: string) => ({ valid: false, reason, thumbprint: undefined, header, claims });
  if (typ !== 'dpop+jwt') return refuse('typ');
  if (!isPublicJwk(jwk)) return refuse('jwk');
  if (!verifiesWith(jws, jwk)) return refuse('signature');
  const reason = claimsFault(claims, { method, check });
  return { valid: reason === undefined, reason, thumbprint: thumbprintOf(jwk), header, claims };
}
