import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CsrfMode } from '../../../src/config/config.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { authenticate, type ClearedRequest, type InboundRequest } from '../../../src/http/inbound.ts';
import { answerRefresh, answerSession, type SessionInfoParts } from '../../../src/oidc/session-info.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import { signedOut } from '../../../src/session/signed-out.ts';
import { Csrf } from '../../../src/stages/csrf.ts';
import { oauthFault } from '../../support/hostile/fault.ts';
import { problemOf, requestOf, Scene } from '../token/scene.ts';

let scene: Scene;
let session: OpenedSession;
let asked: string[];

beforeEach(async () => {
  scene = await Scene.open();
  session = await scene.signIn();
  asked = [];
});

afterEach(() => scene.close());

const stored = () => scene.sessions.at(session.id);

/** The parts, with a store that knows which of its doors was used. */
function partsWith({ mode = 'token' as CsrfMode, cookie = undefined as string | undefined } = {}): SessionInfoParts {
  return {
    sessions: {
      look: async () => {
        asked.push('look');
        return stored();
      },
      open: async (request) => {
        asked.push('open');
        const found = stored();
        if (!found) throw signedOut(request.frontend);
        return authenticate(request, found);
      },
      renewedCookie: () => cookie,
    },
    csrf: new Csrf({ mode }),
    tokens: scene.first.tokens,
    clock: scene.clock,
    lifetimes: { idleTimeoutMs: 30 * 60_000, lifetimeMs: 8 * 3_600_000 },
    userClaims: ['name', 'email'],
  };
}

const reading = (changes: Partial<InboundRequest> = {}) => requestOf({ kind: 'A', path: '/session', ...changes });

async function read(request: ClearedRequest = reading(), parts = partsWith()) {
  const { status, headers, body } = await answerSession(request, parts);
  return { status, headers, body: JSON.parse(String(body)) };
}

describe('GET /session', () => {
  it('SE-01, SE-06: tells who is signed in, and until when, in instants and seconds', async () => {
    const start = scene.clock.now();
    await scene.clock.advance(10_700);
    const { status, headers, body } = await read();
    const at = (ms: number) => new Date(start + ms).toISOString().replace('.000', '');

    expect(status).toBe(200);
    expect(headers).toEqual({ 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
    expect(body).toEqual({
      authenticated: true,
      user: { sub: 'alice', name: 'Alice Example' },
      session: {
        id: 'handle-1',
        created_at: at(0),
        expires_at: at(8 * 3_600_000),
        expires_in: 8 * 3_600 - 11,
        idle_expires_at: at(30 * 60_000),
        idle_expires_in: 30 * 60 - 11,
      },
      token: { expires_at: at(300_000), expires_in: 289, scope: 'openid profile orders.read orders.write' },
      csrf_token: expect.any(String),
      logout_url: '/logout',
    });
  });

  it('SE-01: tells a stranger only where to sign in, without a cookie', async () => {
    await scene.sessions.end(session, 'signed-out');
    const { status, headers, body } = await read();

    expect(status).toBe(200);
    expect(body).toEqual({ authenticated: false, login_url: '/login' });
    expect(headers).not.toHaveProperty('Set-Cookie');
  });

  it('says the paths with AUTH_BASE_PATH', async () => {
    const frontend = createFrontend({
      id: 'm',
      publicUrl: 'https://app.example',
      authBasePath: '/bff',
      trustedOrigins: [],
    });
    expect((await read(reading({ frontend }))).body.logout_url).toBe('/bff/logout');
    await scene.sessions.end(session, 'signed-out');

    expect((await read(reading({ frontend }))).body.login_url).toBe('/bff/login');
  });

  it('SE-02: shows the claims that are listed now, and takes nobody’s word for sub', async () => {
    const claims = { name: 'Alice', phone_number: '1', groups: ['a'], sub: 'mallory' };
    scene.sessions.put({ ...session, identity: { ...session.identity, claims } });

    expect((await read(reading(), { ...partsWith(), userClaims: ['name', 'sub'] })).body.user).toEqual({
      sub: 'alice',
      name: 'Alice',
    });
  });

  it('SE-03: shows a handle, and no cookie, store key, token or secret', async () => {
    const { body } = await read();
    const text = JSON.stringify(body);
    const secrets = [session.id, session.csrfSecret, ...scene.op.issued.all()];

    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(body.session.id).toBe(session.card.handle);
  });

  it('RF-12: counts as no activity, and asks no provider, however old the token is', async () => {
    await scene.expire();
    const { body } = await read();

    expect(body.authenticated).toBe(true);
    expect(body.token.expires_in).toBe(0);
    expect(asked).toEqual(['look']);
    expect(scene.op.hits('refresh')).toBe(0);
    expect(scene.sessions.calls).toEqual([]);
  });

  it('ends with the access token where there is no refresh token, and says so before', async () => {
    scene.sessions.put({ ...session, tokens: { ...session.tokens, refreshToken: undefined } });
    await scene.clock.advance(299_000);
    const { body } = await read();
    expect(body.session.expires_in).toBe(1);
    expect(body.session.idle_expires_at).toBe(body.session.expires_at);
    await scene.clock.advance(1_000);

    expect((await read()).body).toEqual({ authenticated: false, login_url: '/login' });
    expect(scene.sessions.ended).toEqual([]); // reading changes nothing
  });

  it('says null for an end that nobody told', async () => {
    const set = session.tokens.sets[''];
    if (!set) throw new Error('no tokens');
    scene.sessions.put({ ...session, tokens: { ...session.tokens, sets: { '': { ...set, expiresAt: undefined } } } });

    expect((await read()).body.token).toMatchObject({ expires_at: null, expires_in: null });
  });

  it('CF-11: gives a token that csurf takes, for this session only', async () => {
    const { body } = await read();
    const post = requestOf({ method: 'POST', headers: { 'x-csrf-token': body.csrf_token } });
    const csrf = new Csrf({ mode: 'token' });

    expect(() => csrf.check({ request: post, session })).not.toThrow();
    expect(() => csrf.check({ request: post, session: { ...session, csrfSecret: 'other' } })).toThrow();
  });

  it('has no token in CSRF_MODE=header', async () => {
    expect((await read(reading(), partsWith({ mode: 'header' }))).body.csrf_token).toBeNull();
  });

  it('sends the cookie again when an old key signed it, and only then', async () => {
    const cookie = '__Host-Http-claimcheck=new; Path=/; HttpOnly; Secure; SameSite=Strict';

    expect((await read(reading(), partsWith({ cookie }))).headers).toMatchObject({ 'Set-Cookie': cookie });
    expect((await read()).headers).not.toHaveProperty('Set-Cookie');
  });

  it('SE-13: is not pretended to be signed out while the store is away', async () => {
    scene.sessions.away.add('reread');
    const parts = partsWith();
    const look = async () => scene.sessions.reread(session);

    expect((await problemOf(answerSession(reading(), { ...parts, sessions: { ...parts.sessions, look } }))).code).toBe(
      'store-unavailable',
    );
  });
});

describe('POST /session/refresh', () => {
  const asking = (changes: Partial<InboundRequest> = {}) => {
    const token = String(new Csrf({ mode: 'token' }).tokenFor(session));
    return requestOf({
      kind: 'A',
      method: 'POST',
      path: '/session/refresh',
      headers: { 'x-csrf-token': token },
      ...changes,
    });
  };

  it('renews the tokens and answers like GET /session', async () => {
    await scene.clock.advance(100_000);
    const { status, body } = await answerRefresh(asking(), partsWith());
    const told = JSON.parse(String(body));

    expect(status).toBe(200);
    expect(Object.keys(told)).toEqual(Object.keys((await read()).body));
    expect(told.token.expires_in).toBe(300);
    expect(scene.op.hits('refresh')).toBe(1);
    expect(asked[0]).toBe('open'); // which counts as activity
  });

  it('answers the same within its cool-down', async () => {
    await scene.clock.advance(100_000);
    await answerRefresh(asking(), partsWith());
    await scene.clock.advance(59_000);
    const { status, body } = await answerRefresh(asking(), partsWith());

    expect(status).toBe(200);
    expect(JSON.parse(String(body)).token.expires_in).toBe(241);
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('CF-01: needs the proof, and asks nobody without', async () => {
    await scene.clock.advance(100_000);

    expect((await problemOf(answerRefresh(asking({ headers: {} }), partsWith()))).code).toBe('csrf-token-invalid');
    expect(scene.op.hits('refresh')).toBe(0);
    const inHeader = partsWith({ mode: 'header' });
    expect((await problemOf(answerRefresh(asking(), inHeader))).code).toBe('csrf-token-invalid');
    expect((await answerRefresh(asking({ headers: { 'x-csrf': '1' } }), inHeader)).status).toBe(200);
  });

  it('answers 401 to a dead session', async () => {
    await scene.clock.advance(100_000);
    scene.op.script.refresh.fault = oauthFault('invalid_grant');

    expect((await problemOf(answerRefresh(asking(), partsWith()))).code).toBe('session-ended');
    expect((await problemOf(answerRefresh(asking(), partsWith()))).code).toBe('session-ended');
  });

  it('answers 409 without a refresh token', async () => {
    scene.sessions.put({ ...session, tokens: { ...session.tokens, refreshToken: undefined } });

    expect((await problemOf(answerRefresh(asking(), partsWith()))).code).toBe('no-refresh-token');
  });

  it('RF-07: answers 503 with Retry-After while the provider is away, and the session lives', async () => {
    await scene.clock.advance(100_000);
    scene.op.script.refresh.fault = { kind: 'instead', status: 503, headers: { 'retry-after': '3' } };
    const problem = await problemOf(answerRefresh(asking(), partsWith()));

    expect(problem.code).toBe('provider-unreachable');
    expect(problem.extras.headers).toEqual({ 'Retry-After': '3' });
    expect((await read()).body.authenticated).toBe(true);
  });
});
