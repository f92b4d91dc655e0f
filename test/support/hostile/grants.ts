/**
 * What the provider remembers: who signed in, and the codes and tokens that came
 * of it. In memory, for one test process.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import type { JsonObject } from './json.ts';
import type { LoggedRequest } from './log.ts';

/** A person at the provider. */
export interface User {
  readonly sub: string;
  /** Claims beside `sub`, in the ID token and at UserInfo. */
  readonly claims?: JsonObject | undefined;
  /** The session at the provider; a fresh one for each sign-in by default. */
  readonly sid?: string | undefined;
  /** `acr` of the sign-in; by default the first value the client asked for. */
  readonly acr?: string | undefined;
  /** When the person signed in, in s; now by default. */
  readonly authTime?: number | undefined;
}

/** Who is signed in at the provider: one person, nobody, or whom a function names for an authorization request. */
export type CurrentUser = User | null | ((request: LoggedRequest) => User | null);

/** One consent: an authorization request that was answered with a code, and all that follows from it. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly user: User;
  readonly sid: string;
  readonly nonce: string | undefined;
  readonly redirectUri: string;
  readonly codeChallenge: string | undefined;
  /** What was asked for until the code is redeemed, then what was granted. */
  scope: string;
  readonly acr: string | undefined;
  /** In s. */
  readonly authTime: number;
  /** RFC 8707 resource indicators of the authorization request. */
  readonly resource: string | undefined;
  /** All that was asked for. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Key the code is bound to (RFC 9449, section 10). */
  readonly dpopThumbprint: string | undefined;
  /** A revoked grant answers nothing any more. */
  revoked: boolean;
}

/** A code, good once and for a minute. */
export interface CodeRecord {
  readonly grant: Grant;
  readonly expiresAt: number;
  used: boolean;
}

/** An access token. */
export interface AccessRecord {
  readonly grant: Grant;
  readonly scope: string;
  readonly audience: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `jkt` of a DPoP-bound token. */
  readonly dpopThumbprint: string | undefined;
  /** `x5t#S256` of a certificate-bound token. */
  readonly certificate: string | undefined;
}

/** A refresh token. */
export interface RefreshRecord {
  readonly grant: Grant;
  readonly expiresAt: number;
  used: boolean;
}

/** A pushed authorization request (RFC 9126). */
export interface PushedRecord {
  readonly clientId: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly expiresAt: number;
  /** How often it was brought to the authorization endpoint. */
  uses: number;
}

/** 32 random bytes behind a prefix that says what it is, so that a leak found in a haystack explains itself. */
export function freshSecret(prefix: string): string {
  return `${prefix}-${randomBytes(32).toString('base64url')}`;
}

/** Everything remembered. */
export class GrantStore {
  readonly grants: Grant[] = [];
  readonly codes: Map<string, CodeRecord> = new Map();
  readonly accessTokens: Map<string, AccessRecord> = new Map();
  readonly refreshTokens: Map<string, RefreshRecord> = new Map();
  readonly pushed: Map<string, PushedRecord> = new Map();

  /** The access token, if it is good now (`now` in s). */
  liveAccess(token: string, now: number): AccessRecord | undefined {
    const record = this.accessTokens.get(token);
    return record && !record.grant.revoked && record.expiresAt > now ? record : undefined;
  }

  /** The refresh token, if it is good now and was not rotated away. */
  liveRefresh(token: string, now: number): RefreshRecord | undefined {
    const record = this.refreshTokens.get(token);
    return record && !record.grant.revoked && !record.used && record.expiresAt > now ? record : undefined;
  }
}
