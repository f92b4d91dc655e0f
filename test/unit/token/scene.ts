/**
 * A scene for refreshes: the hostile provider on real sockets, our side of it, and
 * a clock that stands still for both.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { RouteConfig } from '../../../src/config/config.ts';
import { codeOf, ProblemError } from '../../../src/errors.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { authenticate, type ClearedRequest, clear, type InboundRequest } from '../../../src/http/inbound.ts';
import { RequestRecord } from '../../../src/http/request-record.ts';
import { Provider } from '../../../src/oidc/provider.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import type { SessionBeginning } from '../../../src/session/sign-in.ts';
import { Attempts } from '../../../src/token/attempts.ts';
import { DerivedTokens } from '../../../src/token/derived-tokens.ts';
import { type RefreshableSessions, Refresher } from '../../../src/token/refresh.ts';
import type { FailedRefresh, TokenReports } from '../../../src/token/reports.ts';
import { Revoker } from '../../../src/token/revoke.ts';
import { Tokens } from '../../../src/token/tokens.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';
import { StoredSessions } from './stored-sessions.ts';

/** The route of the sign-in's own token, and what may be said differently. */
export function routeOf(changes: Partial<RouteConfig> = {}): RouteConfig {
  return {
    path: '/api',
    upstream: { origin: 'https://api.example', path: '' },
    methods: ['GET'],
    access: 'session',
    token: 'user',
    audience: undefined,
    scopes: [],
    timeoutMs: 30_000,
    websocket: false,
    maxBody: 0,
    minUploadRate: 0,
    setCookies: [],
    cache: false,
    maskErrors: false,
    ...changes,
  };
}

/** Reports as they came, in short: `refreshed`, `refused: invalid_grant`, `revocation-failed: …`. */
export class Told implements TokenReports {
  readonly lines: string[] = [];
  readonly audiences: string[] = [];

  refreshed(_session: object, audience: string): void {
    this.audiences.push(audience);
    this.lines.push('refreshed');
  }

  refreshFailed(_session: object, { failure, reason }: FailedRefresh): void {
    this.lines.push(`${failure}: ${reason}`);
  }

  reuseSuspected(): void {
    this.lines.push('reuse-suspected');
  }

  revocationFailed(_session: object, reason: string): void {
    this.lines.push(`revocation-failed: ${reason}`);
  }

  trouble(_session: object, { what }: { readonly what: string }): void {
    this.lines.push(what);
  }
}

/** One process of ours. Several may share the sessions and the provider. */
export interface Instance {
  readonly refresher: Refresher;
  readonly tokens: Tokens;
  readonly attempts: Attempts;
  readonly revoker: Revoker;
}

const waitMs = 11_000;
const providerTimeoutMs = 10_000;

/** Everything of a test. Made new for each. */
export class Scene {
  readonly clock: ManualClock;
  readonly op: HostileProvider;
  readonly provider: Provider;
  readonly sessions: StoredSessions;
  readonly told = new Told();
  readonly first: Instance;
  #signIns = 0;

  private constructor(parts: { readonly clock: ManualClock; readonly op: HostileProvider }) {
    this.clock = parts.clock;
    this.sessions = new StoredSessions(parts.clock);
    this.op = parts.op;
    const { clientId, clientSecret = '' } = this.op.client;
    this.provider = new Provider({
      issuer: this.op.issuer,
      client: { id: clientId, authMethod: 'client_secret_basic', secret: new Secret(clientSecret), key: undefined },
      scopes: ['openid', 'profile', 'orders.read', 'orders.write'],
      scopesAreDefault: false,
      apiAudience: undefined,
      timeoutMs: providerTimeoutMs,
      redirectUri: 'https://app.example/callback',
      clock: this.clock,
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    this.first = this.instance();
  }

  static async open(): Promise<Scene> {
    // From now on: the library below our checks reads the time of the machine, and takes nothing that has ended by that.
    const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
    const op = await startHostileProvider({ clock });
    const scene = new Scene({ clock, op });
    await scene.provider.start();
    return scene;
  }

  async close(): Promise<void> {
    await this.provider.close();
    await this.op.close();
  }

  /** Another process of ours. */
  instance(sessions: RefreshableSessions = this.sessions, clock: Clock = this.clock): Instance {
    const { provider, told: reports } = this;
    const attempts = new Attempts({ clock, random: () => 0.5 });
    const revoker = new Revoker({ provider, reports, clock });
    const refresher = new Refresher({
      sessions,
      provider,
      revoker,
      reports,
      clock,
      attempts,
      userClaims: ['name', 'email'],
    });
    const derived = new DerivedTokens({ provider, clock, onFailure: () => undefined });
    const apiAudience = 'https://api.example';
    const tokens = new Tokens({ refresher, sessions, reports, clock, apiAudience, waitMs, derived });
    return { attempts, revoker, refresher, tokens };
  }

  /** The clock of a machine on which it is so much later, ms, or earlier. */
  clockAhead(ms: number): Clock {
    const { clock } = this;
    return {
      now: () => clock.now() + ms,
      elapsed: () => clock.elapsed(),
      after: (delayMs, task) => clock.after(delayMs, task),
    };
  }

  /** What a sign-in brings. */
  async beginning(): Promise<Pick<SessionBeginning, 'identity' | 'tokens' | 'issuedAt'>> {
    this.#signIns += 1;
    const [verifier, state, nonce] = ['v'.repeat(43), `state-${this.#signIns}`, `nonce-${this.#signIns}`];
    const codeChallenge = createHash('sha256').update(verifier).digest('base64url');
    const url = await this.provider.authorizationUrl({ state, nonce, codeChallenge });
    const answer = await fetch(url, { redirect: 'manual' });
    const callbackParameters = new URL(answer.headers.get('location') ?? '').searchParams;
    const redemption = { callbackParameters, state, nonce, verifier, maxAge: undefined, acrValues: [] };
    const grant = await this.provider.redeem({ ...redemption, startedAt: this.clock.now() });
    if (!grant.idToken) throw new Error('a sign-in without an ID token');
    const { iss: issuer, sub: subject, iat, name, auth_time } = grant.idToken;
    const { refreshToken, refreshExpiresAt } = grant;
    return {
      identity: {
        issuer,
        subject,
        sid: 'op-sid',
        claims: { name },
        authTime: Number(auth_time) * 1000,
        acr: undefined,
        nonce,
      },
      tokens: { refreshToken, refreshExpiresAt, rotates: undefined, sets: { '': grant.tokens } },
      issuedAt: iat * 1000,
    };
  }

  /** A session as a sign-in leaves it. */
  async signIn(): Promise<OpenedSession> {
    const { identity, tokens } = await this.beginning();
    const now = this.clock.now();
    return this.sessions.put({
      id: createHash('sha256').update(String(this.#signIns)).digest('base64url'),
      subject: identity.subject,
      identity,
      csrfSecret: 'secret',
      createdAt: now,
      expiresAt: now + 8 * 3_600_000,
      card: { handle: `handle-${this.#signIns}`, createdAt: now, agent: 'Firefox', address: '192.0.2.0' },
      seenAt: now,
      tokens,
      version: 1,
      tokensVersion: 1,
      spending: undefined,
    });
  }

  /** Past the end of the access token, which lives 300 s unless the script says otherwise. */
  async expire(): Promise<void> {
    await this.clock.advance(301_000);
  }

  /** To within the last seconds in which a token is renewed ahead. */
  async comeDue(): Promise<void> {
    await this.clock.advance(285_000);
  }

  /** What a call gets: its access token, or the code of the refusal. */
  async call(
    session: OpenedSession,
    by: { readonly instance?: Instance | undefined; readonly route?: RouteConfig } = {},
  ): Promise<string> {
    const { instance = this.first, route = routeOf() } = by;
    try {
      const { authorization } = await instance.tokens.attach(authenticate(requestOf(), session), route);
      return authorization?.replace('Bearer ', '') ?? 'none';
    } catch (error) {
      return codeOf(error);
    }
  }

  /** Waits until an endpoint got this many requests. */
  async hits(endpoint: 'refresh' | 'revoke', count: number): Promise<void> {
    await eventually(() => this.op.hits(endpoint) === count);
  }

  /** The refresh tokens that were presented, in order. */
  get presented(): readonly string[] {
    return this.op.log.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body.refresh_token ?? '');
  }

  /** The tokens whose revocation was asked for. */
  get revoked(): readonly string[] {
    return this.op.log.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body.token ?? '');
  }
}

const frontend = createFrontend({ id: 'main', publicUrl: 'https://app.example', authBasePath: '', trustedOrigins: [] });

/** A request of our page, with what may be said differently. */
export function requestOf(changes: Partial<InboundRequest> = {}): ClearedRequest {
  const request = { id: 'r', kind: 'I', method: 'GET', path: '/api', search: '', headers: {}, frontend, ...changes };
  return clear({ record: new RequestRecord(), ...request } as InboundRequest); // what is missing nobody here may look at
}

/** The problem that `work` fails with. */
export async function problemOf(work: Promise<unknown>): Promise<ProblemError> {
  const outcome = await work.catch((error: unknown) => error);
  if (outcome instanceof ProblemError) return outcome;
  throw new Error('no problem', { cause: outcome });
}
