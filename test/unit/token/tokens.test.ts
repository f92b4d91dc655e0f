import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authenticate, publicRequest } from '../../../src/http/inbound.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import { DerivedTokens } from '../../../src/token/derived-tokens.ts';
import { Tokens } from '../../../src/token/tokens.ts';
import { oauthFault, onlyNext } from '../../support/hostile/fault.ts';
import { problemOf, requestOf, routeOf, Scene } from './scene.ts';

let scene: Scene;
let session: OpenedSession;
let tokens: Tokens;

beforeEach(async () => {
  scene = await Scene.open();
  session = await scene.signIn();
  ({ tokens } = scene.first);
});

afterEach(() => scene.close());

const tokenOf = (of: OpenedSession | undefined) => of?.tokens.sets['']?.accessToken;
const stored = () => scene.sessions.at(session.id);
const attach = (route = routeOf()) => tokens.attach(authenticate(requestOf(), session), route);

describe('attach', () => {
  it('hands over the token as a bearer, with the session it belongs to', async () => {
    const authorized = await attach();

    expect(authorized.authorization).toBe(`Bearer ${tokenOf(session)}`);
    expect(authorized.session?.id).toBe(session.id);
  });

  it('is had at once where the token is fresh, and only there', async () => {
    const atOnce = (route = routeOf()) => tokens.attachFresh(authenticate(requestOf(), session), route);

    expect(atOnce()?.authorization).toBe(`Bearer ${tokenOf(session)}`);
    expect(atOnce(routeOf({ audience: 'https://other.example' }))).toBeUndefined();
    expect(atOnce(routeOf({ token: 'none' }))).toBeUndefined();
    expect(() => atOnce(routeOf({ scopes: ['orders.delete'] }))).toThrow('scope-missing');
    await scene.expire();
    expect(atOnce()).toBeUndefined();
  });

  it('takes the sign-in’s own token for API_AUDIENCE', async () => {
    const { authorization } = await attach(routeOf({ audience: 'https://api.example' }));

    expect(authorization).toBe(`Bearer ${tokenOf(session)}`);
    expect(scene.op.hits('refresh')).toBe(0);
  });

  it('RF-09: tells which scopes the route needs when the token lacks one', async () => {
    await attach(routeOf({ scopes: ['openid', 'orders.read'] }));
    const problem = await problemOf(attach(routeOf({ scopes: ['orders.read', 'orders.delete'] })));

    expect(problem.code).toBe('scope-missing');
    expect(problem.extras.members).toEqual({ scopes: ['orders.read', 'orders.delete'] });
  });

  it('RF-09: asks for the scopes also where the upstream gets no token', async () => {
    const allowed = await attach(routeOf({ token: 'none', scopes: ['openid', 'orders.read'] }));
    const problem = await problemOf(attach(routeOf({ token: 'none', scopes: ['orders.read', 'orders.delete'] })));

    expect(allowed.authorization).toBeUndefined();
    expect(problem.code).toBe('scope-missing');
    expect(problem.extras.members).toEqual({ scopes: ['orders.read', 'orders.delete'] });
  });

  it('tells a person whose session ended how to sign in', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = oauthFault('invalid_grant');
    const problem = await problemOf(attach());

    expect(problem.code).toBe('session-ended');
    expect(problem.extras).toMatchObject({
      members: { login_url: '/login' },
      headers: { 'WWW-Authenticate': 'Cookie realm="claimcheck", form-action="/login"' },
    });
  });

  it('never uses the token of another session, whatever a refresh brings', async () => {
    const other = await scene.signIn();
    await scene.expire();
    const mixedUp = new Tokens({
      refresher: { renew: () => Promise.resolve({ kind: 'renewed', session: other }) },
      sessions: scene.sessions,
      reports: scene.told,
      clock: scene.clock,
      apiAudience: undefined,
      waitMs: 1_000,
      derived: new DerivedTokens({ provider: scene.provider, clock: scene.clock, onFailure: () => undefined }),
    });

    await expect(mixedUp.attach(authenticate(requestOf(), session), routeOf())).rejects.toThrow('another session');
  });
});

describe('a token that the upstream refused', () => {
  it('is renewed once for the same call', async () => {
    await scene.clock.advance(61_000);
    const authorized = await attach();
    const renewed = await tokens.refreshAfterRefusal(authorized, routeOf());

    expect(renewed).toEqual({ ...authorized, authorization: `Bearer ${tokenOf(stored())}` });
    expect(renewed?.authorization).not.toBe(authorized.authorization);
  });

  it('is not renewed when it is new: another would be refused, too', async () => {
    await scene.clock.advance(59_000);

    expect(await tokens.refreshAfterRefusal(await attach(), routeOf())).toBeUndefined();
    expect(scene.op.hits('refresh')).toBe(0);
  });

  it('is not renewed again when it was renewed on the way to the upstream', async () => {
    await scene.expire();
    const authorized = await attach();

    expect(await tokens.refreshAfterRefusal(authorized, routeOf())).toBeUndefined();
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('stands when the provider is away', async () => {
    await scene.clock.advance(61_000);
    scene.op.script.refresh.fault = { kind: 'instead', status: 503 };

    expect(await tokens.refreshAfterRefusal(await attach(), routeOf())).toBeUndefined();
    expect(scene.sessions.size).toBe(1);
  });

  it('ends the session when the provider refuses as well', async () => {
    await scene.clock.advance(61_000);
    scene.op.script.refresh.fault = oauthFault('invalid_grant');

    expect((await problemOf(tokens.refreshAfterRefusal(await attach(), routeOf()))).code).toBe('session-ended');
  });

  it('RF-09: is not replaced by one that allows less than the route needs', async () => {
    await scene.clock.advance(61_000);
    scene.op.script.refresh.scope = 'openid';
    const route = routeOf({ scopes: ['orders.read'] });

    expect((await problemOf(tokens.refreshAfterRefusal(await attach(route), route))).code).toBe('scope-missing');
  });

  it('does not exist on a public route or without a token', async () => {
    expect(await tokens.refreshAfterRefusal(publicRequest(requestOf()), routeOf())).toBeUndefined();
    const other = routeOf({ audience: 'https://other.example' });
    expect(await tokens.refreshAfterRefusal(await attach(), other)).toBeUndefined();
    expect(scene.op.hits('refresh')).toBe(0);
  });
});

describe('a refresh on request', () => {
  const renewNow = () => tokens.renewNow(authenticate(requestOf(), stored() ?? session));

  it('brings new tokens, and within its cool-down the same again', async () => {
    await scene.clock.advance(60_000);
    const first = await renewNow();
    await scene.clock.advance(59_000);
    const second = await renewNow();

    expect(tokenOf(first)).not.toBe(tokenOf(session));
    expect(tokenOf(second)).toBe(tokenOf(first));
    expect(scene.op.hits('refresh')).toBe(1);
    await scene.clock.advance(1_000);
    await renewNow();
    expect(scene.op.hits('refresh')).toBe(2);
  });

  it('cools down for half of a short life', async () => {
    scene.op.script.token.expiresIn = 20;
    session = await scene.signIn();
    await scene.clock.advance(9_000);
    await renewNow();
    expect(scene.op.hits('refresh')).toBe(0);
    await scene.clock.advance(1_000);
    await renewNow();

    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('is one for twenty at once', async () => {
    await scene.clock.advance(60_000);
    const sessions = await Promise.all(Array.from({ length: 20 }, renewNow));

    expect(new Set(sessions.map(tokenOf)).size).toBe(1);
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('is refused without a refresh token', async () => {
    session = scene.sessions.put({ ...session, tokens: { ...session.tokens, refreshToken: undefined } });

    expect((await problemOf(renewNow())).code).toBe('no-refresh-token');
  });

  it('tells that the session is dead', async () => {
    await scene.clock.advance(60_000);
    scene.op.script.refresh.fault = oauthFault('invalid_grant');

    expect((await problemOf(renewNow())).code).toBe('session-ended');
  });

  it('tells that the provider is away, though the old token still lives', async () => {
    await scene.clock.advance(60_000);
    scene.op.script.refresh.fault = onlyNext({ kind: 'instead', status: 503, headers: { 'retry-after': '4' } });
    const problem = await problemOf(renewNow());

    expect(problem.code).toBe('provider-unreachable');
    expect(problem.extras.headers).toEqual({ 'Retry-After': '4' });
  });
});
