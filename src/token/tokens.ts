/**
 * A valid token for a route, or a refusal: the last step before a call goes on.
 *
 * A token is renewed ahead of its end while the old one still serves; only a call
 * that finds it expired waits. What is renewed how is in refresh.ts.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { DeadlineError, withDeadline } from '../base/deadline.ts';
import type { RouteConfig } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import {
  type AuthenticatedRequest,
  type AuthorizedRequest,
  authorize,
  type ClearedRequest,
  type Credential,
  publicRequest,
} from '../http/inbound.ts';
import type { TokenTarget } from '../oidc/derived-token.ts';
import { type EndReason, endOf, isOpened, type OpenedSession, type TokenSet } from '../session/session.ts';
import { signedOut } from '../session/signed-out.ts';
import { checkScopes, credentialFor, tokenIn } from './credential.ts';
import { type DerivedTokens, isSubjectRefused, type Subject } from './derived-tokens.ts';
import { type Freshness, freshnessOf, isJustIssued, setOf, spreadOf } from './freshness.ts';
import type { Renewal } from './renewal.ts';
import type { TokenReports } from './reports.ts';
import { unavailable } from './unavailable.ts';

/** What a request is, here. */
type Signed = AuthenticatedRequest<OpenedSession>;

/** What decides which token goes with a call. */
export type TokenRoute = Pick<RouteConfig, 'token' | 'audience' | 'scopes' | 'dpop'>;

/** What tokens are made from. */
export interface TokensParts {
  readonly refresher: { renew(session: OpenedSession, audience: string): Promise<Renewal> };
  readonly sessions: {
    /** The session as it is in the store now. */
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    end(session: OpenedSession, reason: EndReason): Promise<unknown>;
  };
  readonly reports: Pick<TokenReports, 'trouble'>;
  readonly clock: Clock;
  /** `API_AUDIENCE`: the audience of the sign-in's own token. */
  readonly apiAudience: string | undefined;
  /** How long a call waits for new tokens, ms. */
  readonly waitMs: number;
  readonly derived: DerivedTokens;
}

/** Attaches tokens to requests. */
export class Tokens {
  readonly #parts: TokensParts;

  constructor(parts: TokensParts) {
    this.#parts = parts;
  }

  /**
   * The request with the token of its route. Throws `scope-missing` when the
   * token does not allow what the route needs, `session-ended` when the session
   * ended with its tokens, `no-refresh-token` when the route needs a token of its
   * own and none can be asked for, `provider-unreachable` when there is none now.
   */
  async attach(request: Signed, route: TokenRoute): Promise<AuthorizedRequest> {
    const { session } = request;
    const living = this.#isOver(session) ? await this.#reread(request) : session;
    if (route.token === 'none') {
      checkScopes(route, setOf(living.tokens, '')?.scope ?? []);
      return authorize(request, undefined);
    }
    if (route.token === 'client') return authorize(request, await this.#clientCredential(route));
    const audience = this.#audienceOf(route);
    const set = await this.#usable(request, { session: living, audience });
    if (route.token === 'user') return authorize(request, credentialFor(route, set));
    return authorize(
      request,
      await this.#exchangedCredential({ request: request.request, session: living, set }, route),
    );
  }

  /** As {@link attach}, at once, where the person's own token goes with the call and is fresh; `undefined` says nothing of it. */
  attachFresh(request: Signed, route: TokenRoute): AuthorizedRequest | undefined {
    const { session } = request;
    if (route.token !== 'user' || this.#isOver(session)) return undefined;
    const set = setOf(session.tokens, this.#audienceOf(route));
    const isFresh = set !== undefined && this.#freshnessOf(session, set) === 'fresh';
    return isFresh ? authorize(request, credentialFor(route, set)) : undefined;
  }

  /** A call on a public route, with the client's own token where the route sends that. Throws as {@link attach}. */
  async attachPublic(request: ClearedRequest, route: TokenRoute): Promise<AuthorizedRequest> {
    return publicRequest(request, route.token === 'client' ? await this.#clientCredential(route) : undefined);
  }

  /**
   * For a call whose token the upstream refused although it was not expired: the
   * same call with another token, or `undefined` when the token is too new for
   * another to help, or there is none. Throws `session-ended` and `scope-missing`.
   */
  async refreshAfterRefusal(authorized: AuthorizedRequest, route: TokenRoute): Promise<AuthorizedRequest | undefined> {
    const { request, session } = authorized;
    if (route.token === 'client') return this.#otherClientToken(authorized, route);
    if (session === undefined || !isOpened(session)) return undefined;
    if (route.token === 'exchange') return this.#otherExchanged(authorized, { session, route });
    const audience = this.#audienceOf(route);
    const set = setOf(session.tokens, audience);
    if (set === undefined || isJustIssued(set, this.#parts.clock.now())) return undefined;
    const renewal = await this.#waitFor(session, audience);
    if (renewal.kind === 'ended') throw signedOut(request.frontend);
    if (renewal.kind !== 'renewed') return undefined;
    return withOther(authorized, credentialFor(route, setIn(renewal.session, { asked: session, audience })));
  }

  /**
   * Renews the sign-in's own tokens on request, unless they are new already.
   * Throws `session-ended`, `no-refresh-token` or `provider-unreachable`.
   */
  async renewNow(request: Signed): Promise<OpenedSession> {
    const session = this.#isOver(request.session) ? await this.#reread(request) : request.session;
    if (session.tokens.refreshToken === undefined) throw new ProblemError('no-refresh-token');
    const set = setOf(session.tokens, '');
    if (set !== undefined && isJustIssued(set, this.#parts.clock.now())) return session;
    const renewal = await this.#waitFor(session, '');
    if (renewal.kind === 'renewed') return ownOf(renewal.session, session);
    if (renewal.kind === 'ended') throw signedOut(request.request.frontend);
    throw renewal.kind === 'unavailable' ? unavailable(renewal) : new ProblemError('no-refresh-token');
  }

  // A token that serves, renewed ahead of its end, or waited for.
  async #usable(
    { request }: Signed,
    of: { readonly session: OpenedSession; readonly audience: string },
  ): Promise<TokenSet> {
    const set = setOf(of.session.tokens, of.audience);
    const freshness = this.#freshnessOf(of.session, set);
    if (freshness === 'due') this.#renewAhead(of.session, of.audience);
    return set !== undefined && (freshness === 'fresh' || freshness === 'due') ? set : this.#renewed(request, of);
  }

  async #clientCredential(route: TokenRoute): Promise<Credential> {
    return credentialFor(route, await this.#parts.derived.ofClient(this.#targetOf(route)));
  }

  // A token that the provider does not know any more is renewed once; that the new one is refused, too, is final.
  async #exchangedCredential(of: Exchanged, route: TokenRoute): Promise<Credential> {
    const target = this.#targetOf(route);
    try {
      return credentialFor(route, await this.#parts.derived.ofSubject(subjectOf(of.session, of.set), target));
    } catch (error) {
      if (!isSubjectRefused(error) || isJustIssued(of.set, this.#parts.clock.now())) throw error;
      const other = await this.#otherSubject(of, error);
      return credentialFor(route, await this.#parts.derived.ofSubject(other, target));
    }
  }

  async #otherSubject({ request, session }: Exchanged, refusal: unknown): Promise<Subject> {
    const renewal = await this.#waitFor(session, '');
    if (renewal.kind === 'ended') throw signedOut(request.frontend);
    if (renewal.kind === 'unavailable') throw unavailable(renewal);
    if (renewal.kind === 'no-refresh-token') throw refusal;
    return subjectOf(session, setIn(renewal.session, { asked: session, audience: '' }));
  }

  async #otherClientToken(authorized: AuthorizedRequest, route: TokenRoute): Promise<AuthorizedRequest | undefined> {
    this.#parts.derived.forget(tokenIn(authorized), { target: this.#targetOf(route), subject: undefined });
    return withOther(authorized, await this.#clientCredential(route));
  }

  async #otherExchanged(
    authorized: AuthorizedRequest,
    { session, route }: { readonly session: OpenedSession; readonly route: TokenRoute },
  ): Promise<AuthorizedRequest | undefined> {
    const set = setOf(session.tokens, '');
    if (set === undefined) return undefined;
    const subject = subjectOf(session, set);
    this.#parts.derived.forget(tokenIn(authorized), { target: this.#targetOf(route), subject });
    const derived = await this.#parts.derived.ofSubject(subject, this.#targetOf(route));
    return withOther(authorized, credentialFor(route, derived));
  }

  #targetOf({ audience, scopes }: TokenRoute): TokenTarget {
    return { audience: audience ?? this.#parts.apiAudience, scopes };
  }

  async #renewed(
    request: Signed['request'],
    { session, audience }: { readonly session: OpenedSession; readonly audience: string },
  ): Promise<TokenSet> {
    const renewal = await this.#waitFor(session, audience);
    const old = setOf(session.tokens, audience);
    const isStillGood = old !== undefined && this.#freshnessOf(session, old) !== 'expired';
    switch (renewal.kind) {
      case 'renewed':
        return setIn(renewal.session, { asked: session, audience });
      case 'ended':
        throw signedOut(request.frontend);
      case 'no-refresh-token':
        if (isStillGood) return old;
        // Without one the session lasts as long as its own token (endOf), which is not this one: a token for this route was never had.
        throw new ProblemError('no-refresh-token');
      case 'unavailable':
        if (isStillGood) return old;
        request.record.detail = renewal.failure;
        throw unavailable(renewal);
      default:
        return renewal satisfies never;
    }
  }

  async #waitFor(session: OpenedSession, audience: string): Promise<Renewal> {
    const { refresher, clock, waitMs } = this.#parts;
    try {
      return await withDeadline(refresher.renew(session, audience), { what: 'refresh', limitMs: waitMs, clock });
    } catch (error) {
      if (error instanceof DeadlineError) return { kind: 'unavailable', failure: 'late', cause: error };
      throw error;
    }
  }

  #renewAhead(session: OpenedSession, audience: string): void {
    if (session.tokens.refreshToken === undefined) return;
    const { refresher, reports } = this.#parts;
    refresher
      .renew(session, audience)
      .catch((cause: unknown) => reports.trouble(session, { what: 'tokens could not be renewed ahead', cause }));
  }

  #isOver(session: OpenedSession): boolean {
    return this.#parts.clock.now() >= endOf(session);
  }

  // What is at hand may be older than what another instance has written; only the store's word ends a session.
  async #reread({ request, session }: Signed): Promise<OpenedSession> {
    const { sessions } = this.#parts;
    const latest = await sessions.reread(session);
    if (latest !== undefined && !this.#isOver(latest)) return latest;
    await sessions.end(session, 'lifetime');
    throw signedOut(request.frontend);
  }

  // What is exchanged is always the sign-in's own token.
  #audienceOf({ audience, token }: TokenRoute): string {
    if (token === 'exchange') return '';
    return audience === undefined || audience === this.#parts.apiAudience ? '' : audience;
  }

  #freshnessOf(session: OpenedSession, set: TokenSet | undefined): Freshness {
    return set === undefined
      ? 'expired'
      : freshnessOf(set, { now: this.#parts.clock.now(), spread: () => spreadOf(session.id) });
  }
}

/** A call whose token is exchanged, and the person's own. */
interface Exchanged {
  readonly request: Signed['request'];
  readonly session: OpenedSession;
  readonly set: TokenSet;
}

function subjectOf({ id: sessionId }: OpenedSession, { accessToken, dpopKey }: TokenSet): Subject {
  return { sessionId, accessToken, dpopKey };
}

function withOther(authorized: AuthorizedRequest, credential: Credential): AuthorizedRequest | undefined {
  if (credential.authorization === authorized.authorization) return undefined;
  return { ...authorized, ...credential, prove: credential.prove };
}

function setIn(
  session: OpenedSession,
  { asked, audience }: { readonly asked: OpenedSession; readonly audience: string },
): TokenSet {
  const set = setOf(ownOf(session, asked).tokens, audience);
  if (set === undefined) throw new Error('a refresh brought no tokens for its audience');
  return set;
}

// What comes out of something that many share is held against who asked.
function ownOf(session: OpenedSession, asked: OpenedSession): OpenedSession {
  if (session.id !== asked.id || session.subject !== asked.subject) throw new Error('tokens of another session');
  return session;
}
