/**
 * Sessions of one frontend over a store of the test, and requests that ask for them.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import { randomToken } from '../../../src/base/random.ts';
import { Secret } from '../../../src/base/secret.ts';
import { createFrontend, type Frontend } from '../../../src/http/frontend.ts';
import type { ClearedRequest } from '../../../src/http/inbound.ts';
import { RequestRecord } from '../../../src/http/request-record.ts';
import { KeyRing } from '../../../src/keys/key-ring.ts';
import { SessionCookie } from '../../../src/session/cookie.ts';
import type { Lifetimes, OpenedSession, SessionTokens } from '../../../src/session/session.ts';
import type { SessionReports } from '../../../src/session/session-reports.ts';
import { Sessions } from '../../../src/session/sessions.ts';
import type { SessionBeginning } from '../../../src/session/sign-in.ts';
import type { SessionStore } from '../../../src/session/store.ts';

/** Idle after 30 minutes, over after 8 hours: the defaults of the product. */
export const lifetimes: Lifetimes = { idleTimeoutMs: 30 * 60_000, lifetimeMs: 8 * 3_600_000 };

/** A setting for `SESSION_SECRETS`. */
export function newKeySecret(): Secret {
  return new Secret(randomBytes(32).toString('base64url'));
}

/** What was told, one line each. */
export class RecordedReports implements SessionReports {
  readonly lines: string[] = [];

  ended: SessionReports['ended'] = ({ id, identity }, reason) =>
    this.lines.push(`ended ${id} ${identity?.subject} ${reason}`);
  unreadable: SessionReports['unreadable'] = (id, { part, reason }) =>
    this.lines.push(`unreadable ${id} ${part} ${reason}`);
  /** Positions of the keys that opened sessions: cookie, then record. */
  readonly keyUses: string[] = [];
  opened: SessionReports['opened'] = ({ cookie, record }) => this.keyUses.push(`${cookie} ${record}`);
  trouble: SessionReports['trouble'] = (id, { what }) => this.lines.push(`trouble ${id} ${what}`);
}

/** What sessions are made over. */
export interface SessionsAtOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly secrets?: readonly Secret[];
  readonly frontendId?: string;
  readonly publicUrl?: string;
  readonly lifetimes?: Lifetimes;
}

/** Sessions, and what a test needs beside them. */
export interface SessionsAt {
  readonly sessions: Sessions;
  readonly keys: KeyRing;
  readonly frontend: Frontend;
  readonly reports: RecordedReports;
  /** A request with this raw cookie value. */
  request(cookie: string | undefined): ClearedRequest;
  /** Begins a session. */
  signIn(changes?: Partial<SessionBeginning>): Promise<SignedIn>;
}

/** A session that was begun, with what its browser holds. */
export interface SignedIn {
  readonly session: OpenedSession;
  readonly secret: string;
  /** The raw value of the cookie. */
  readonly cookie: string;
}

/** Makes sessions over a store. */
export function sessionsAt(options: SessionsAtOptions): SessionsAt {
  const { store, clock, secrets = [newKeySecret()], frontendId = 'main', publicUrl = 'https://app.example' } = options;
  const frontend = createFrontend({ id: frontendId, publicUrl, authBasePath: '', trustedOrigins: [] });
  const keys = new KeyRing({ secrets, frontendId });
  const reports = new RecordedReports();
  const sessions = new Sessions({ frontend, store, keys, clock, reports, lifetimes: options.lifetimes ?? lifetimes });
  return {
    sessions,
    keys,
    frontend,
    reports,
    // What sessions read of a request, and no more.
    request: (cookie) =>
      ({ sessionCookie: cookie, record: new RequestRecord(), frontend }) as unknown as ClearedRequest,
    signIn: async (changes = {}) => {
      const secret = randomToken(256);
      const session = await sessions.start(secret, beginningAt(clock.now(), changes));
      return { session, secret, cookie: new SessionCookie({ frontend, keys }).valueFor(secret) };
    },
  };
}

/** Tokens as a provider gives them at `now`: five minutes of access, a refresh token without a known end. */
export function tokensAt(now: number, changes: Partial<SessionTokens> = {}): SessionTokens {
  return {
    refreshToken: 'refresh-token-of-alice',
    refreshExpiresAt: undefined,
    rotates: undefined,
    sets: { '': { accessToken: 'access-token-of-alice', expiresAt: now + 300_000, issuedAt: now, scope: ['openid'] } },
    ...changes,
  };
}

/** How alice's session begins at `now`. */
export function beginningAt(now: number, changes: Partial<SessionBeginning> = {}): SessionBeginning {
  return {
    identity: {
      issuer: 'https://issuer.example',
      subject: 'subject-of-alice',
      sid: 'provider-session-1',
      claims: { name: 'Alice Anders', email: 'alice@example.test' },
      authTime: now - 1_000,
      acr: undefined,
    },
    tokens: tokensAt(now),
    agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
    address: '192.0.2.77',
    issuedAt: now,
    ...changes,
  };
}
