import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import type { ClearedRequest, InboundRequest } from '../../../src/http/inbound.ts';
import { LoginKeys } from '../../../src/oidc/login-keys.ts';
import { answerLogout, answerLogoutPage, type LogoutParts } from '../../../src/oidc/logout.ts';
import { SessionPointers } from '../../../src/oidc/session-pointers.ts';
import { SignOuts } from '../../../src/oidc/sign-outs.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import { Csrf } from '../../../src/stages/csrf.ts';
import { eventually } from '../../support/eventually.ts';
import { createGate } from '../../support/hostile/fault.ts';
import { problemOf, requestOf, Scene } from '../token/scene.ts';

let scene: Scene;
let session: OpenedSession;
let order: string[];
let signOuts: SignOuts;
let troubles: string[];

beforeEach(async () => {
  scene = await Scene.open();
  session = await scene.signIn();
  order = [];
  troubles = [];
  const { sessions, clock, first } = scene;
  const reports = { trouble: (_id: string, { what }: { readonly what: string }) => void troubles.push(what) };
  signOuts = new SignOuts({ sessions, revoker: first.revoker, reports, clock });
});

afterEach(() => scene.close());

const csrf = new Csrf({ mode: 'token' });
const frontend = createFrontend({
  id: 'm',
  publicUrl: 'https://app.example',
  authBasePath: '',
  trustedOrigins: ['https://p.app.example'],
});
const secrets = [new Secret(Buffer.alloc(32, 7).toString('base64url'))];
const pointers = new SessionPointers(frontend, new LoginKeys({ secrets, frontendId: frontend.id }));
const stored = () => scene.sessions.at(session.id);

const carrier = () => ({
  drop: async () => {
    order.push(`drop, ${scene.sessions.size} left, ${scene.op.hits('revoke')} revoked`);
  },
});

function parts(changes: Partial<LogoutParts> = {}): LogoutParts {
  const { sessions, provider } = scene;
  const looking = { look: async () => stored(), end: sessions.end.bind(sessions) };
  return { sessions: looking, csrf, signOuts, provider, pointers, ...changes };
}

function posted(changes: Partial<InboundRequest> = {}): ClearedRequest {
  return requestOf({ kind: 'A', method: 'POST', path: '/logout', frontend, ...changes });
}

/** Our page's fetch, with its proof. */
const byFetch = (changes: Partial<InboundRequest> = {}) =>
  posted({
    fetchSite: 'same-origin',
    fetchMode: 'cors',
    headers: { 'x-csrf-token': String(csrf.tokenFor(session)) },
    ...changes,
  });

/** A form of our page. */
const byForm = (changes: Partial<InboundRequest> = {}) =>
  posted({
    fetchSite: 'same-origin',
    fetchMode: 'navigate',
    fetchDest: 'document',
    origin: 'https://app.example',
    ...changes,
  });

/** What an older browser sends with a form. */
const byOldForm = (changes: Partial<InboundRequest> = {}) =>
  posted({
    origin: 'https://app.example',
    headers: { accept: 'text/html,*/*;q=0.8', 'content-type': 'application/x-www-form-urlencoded' },
    ...changes,
  });

const signOut = (request: ClearedRequest, changes: Partial<LogoutParts> = {}) =>
  answerLogout(request, carrier, parts(changes));

const cleaned = { 'Clear-Site-Data': '"cache","storage"' };

describe('POST /logout', () => {
  it('LO-01, LO-04: ends the session first, then revokes, then deletes the cookie', async () => {
    await signOut(byFetch());

    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'signed-out' }]);
    expect(order).toEqual(['drop, 0 left, 1 revoked']);
    expect(scene.revoked).toEqual([session.tokens.refreshToken]);
  });

  it('LO-03, LO-06, LO-07: tells a script where to go, without a token in the address', async () => {
    const { status, headers, body } = await signOut(byFetch());
    const url = new URL(JSON.parse(String(body)).end_session_url);

    expect(status).toBe(200);
    expect(headers).toMatchObject({ ...cleaned, 'Cache-Control': 'no-store' });
    expect(url.origin + url.pathname).toBe(`${scene.op.issuer}/end_session`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'claimcheck',
      logout_hint: 'op-sid',
      post_logout_redirect_uri: 'https://app.example/',
      state: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(scene.op.issued.all().filter((secret) => url.href.includes(secret))).toEqual([]);
  });

  it('LO-06: names the subject where the provider gave no session id', async () => {
    scene.sessions.put({ ...session, identity: { ...session.identity, sid: undefined } });
    const { body } = await signOut(byFetch());

    expect(new URL(JSON.parse(String(body)).end_session_url).searchParams.get('logout_hint')).toBe('alice');
  });

  it.each([
    ['a browser of today', byForm],
    ['an older browser', byOldForm],
  ])('LO-06: leads a form of %s to the provider', async (_name, form) => {
    const { status, headers, body } = await signOut(form());

    expect(status).toBe(303);
    expect(headers).toMatchObject({ ...cleaned, Location: expect.stringContaining(`${scene.op.issuer}/end_session?`) });
    expect(body).toBeUndefined();
    expect(scene.sessions.size).toBe(0);
  });

  it('leads to the start page where the provider has no end-session endpoint', async () => {
    const provider = { endSessionOrigin: undefined, endSessionUrl: () => undefined, endSessionForm: () => undefined };
    expect((await signOut(byForm(), { provider })).headers).toMatchObject({ Location: '/' });
    session = await scene.signIn();

    expect(JSON.parse(String((await signOut(byFetch(), { provider })).body))).toEqual({ end_session_url: null });
  });

  it('answers ?local=true with 204 and no round trip', async () => {
    const { status, headers, body } = await signOut(byFetch({ search: '?local=true' }));

    expect({ status, headers, body }).toEqual({ status: 204, headers: cleaned, body: undefined });
    expect(scene.sessions.size).toBe(0);
  });

  it.each(['?local=1', '?local', '?xlocal=true', ''])('makes the round trip for "%s"', async (search) => {
    expect((await signOut(byFetch({ search }))).status).toBe(200);
  });

  it.each([
    '?returnTo=https://evil.test',
    '?return_to=//evil.test&post_logout_redirect_uri=https://evil.test&state=x&id_token_hint=x',
    '?url=https://evil.test&redirect=https://evil.test',
  ])('LO-10: takes no target from "%s"', async (search) => {
    const { headers } = await signOut(byForm({ search }));
    const location = new URL(String(headers?.['Location']));

    expect(location.href).not.toContain('evil');
    expect(location.searchParams.get('post_logout_redirect_uri')).toBe('https://app.example/');
    expect(location.searchParams.has('id_token_hint')).toBe(false);
  });

  it('LO-09: is no error without a session, and changes nothing', async () => {
    await scene.sessions.end(session, 'signed-out');

    expect(await signOut(byFetch())).toEqual({ status: 204 });
    expect(await signOut(byForm())).toMatchObject({ status: 303, headers: { Location: '/' } });
    expect((await signOut(byForm())).headers).not.toHaveProperty('Clear-Site-Data');
    expect(order).toEqual([]);
    expect(scene.op.hits('revoke')).toBe(0);
  });

  it('LO-05: keeps nobody waiting for a provider that does not answer', async () => {
    scene.op.script.revoke.fault = { kind: 'hang', at: 'before-processing' };
    const answer = signOut(byFetch());
    await scene.hits('revoke', 1);
    expect(scene.sessions.size).toBe(0);
    await scene.clock.advance(2_000);

    expect((await answer).status).toBe(200);
    expect(scene.first.revoker.size).toBe(1);
  });

  it.each(['beginSpending', 'end'] as const)(
    'says that the store is away (%s), and pretends nothing',
    async (method) => {
      scene.sessions.away.add(method);

      expect((await problemOf(signOut(byFetch()))).code).toBe('store-unavailable');
      expect(order).toEqual([]);
      expect(scene.op.hits('revoke')).toBe(0);
      scene.sessions.away.clear();
      expect((await signOut(byFetch())).status).toBe(200);
      expect(scene.sessions.size).toBe(0);
    },
  );

  it.each(['beginSpending', 'end'] as const)(
    'LO-01, LO-04: is carried out all the same once the store is back that was away (%s)',
    async (method) => {
      scene.sessions.away.add(method);
      for (let n = 0; n < 3; n++) expect((await problemOf(signOut(byFetch()))).code).toBe('store-unavailable');
      await scene.clock.advance(30_000);
      expect(scene.sessions.size).toBe(1);
      expect(signOuts.size).toBe(1);
      scene.sessions.away.clear();
      await scene.clock.advance(300);
      await scene.hits('revoke', 1);

      expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'signed-out' }]);
      expect(scene.revoked).toEqual([session.tokens.refreshToken]);
      await signOuts.settled(1);
      expect({ waiting: signOuts.size, troubles }).toEqual({ waiting: 0, troubles: [] });
      expect((await signOut(byFetch())).status).toBe(204);
    },
  );

  it('LO-01: that the store does not take for a minute is given up and told, and may be asked again', async () => {
    scene.sessions.away.add('end');
    expect((await problemOf(signOut(byFetch()))).code).toBe('store-unavailable');
    await scene.clock.advance(61_000);

    expect({ waiting: signOuts.size, troubles }).toEqual({
      waiting: 0,
      troubles: ['a sign-out could not be carried out'],
    });
    scene.sessions.away.clear();
    expect((await signOut(byFetch())).status).toBe(200);
    expect(scene.sessions.size).toBe(0);
  });

  it('LO-04: revokes the newest token, though it looked at an older one', async () => {
    await scene.clock.advance(61_000);
    await scene.first.refresher.renew(session, '');
    const newest = stored();
    const old = session;
    const { sessions } = parts();
    await signOut(byFetch(), { sessions: { ...sessions, look: async () => old } });

    expect(scene.revoked).toEqual([newest?.tokens.refreshToken]);
    expect(scene.op.grants[0]?.revoked).toBe(true);
  });

  it('RF-13: beats a refresh in flight, whose late tokens are revoked', async () => {
    await scene.expire();
    const gate = createGate();
    scene.op.script.refresh.fault = gate.fault;
    const call = scene.call(session);
    await scene.hits('refresh', 1);
    expect((await signOut(byFetch())).status).toBe(200);
    expect(scene.sessions.size).toBe(0);
    gate.open();

    expect(await call).toBe('session-ended');
    expect(scene.sessions.size).toBe(0);
    const late = [...scene.op.issued.refreshTokens].at(-1) ?? '';
    await eventually(() => scene.revoked.includes(late));
  });

  it('RF-13: lets no refresh begin once it has begun itself', async () => {
    await scene.expire();
    scene.sessions.before = async (method) => {
      if (method === 'end') await held.promise;
    };
    const held = Promise.withResolvers<void>();
    const answer = signOut(byFetch());
    await eventually(() => scene.sessions.calls.includes('end'));
    const call = scene.call(session);
    await scene.clock.advance(100);
    held.resolve();
    await answer;
    await scene.clock.advance(1_000);

    expect(await call).toBe('session-ended');
    expect(scene.op.hits('refresh')).toBe(0);
  });
});

describe('the proof of POST /logout', () => {
  const bare = { 'content-type': 'application/json' };
  const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' };
  //  case                                      answer                request
  it.each<[string, string, () => ClearedRequest]>([
    ['our script with its token', 'signed out', () => byFetch()],
    ['a form of our page', 'signed out', () => byForm()],
    ['a form of a page without referrer', 'signed out', () => byForm({ origin: 'null' })],
    ['a form of our page in an older browser', 'signed out', () => byOldForm()],
    ['LO-02: our script without its token', 'csrf-token-invalid', () => byFetch({ headers: {} })],
    ['LO-02: our script with a bad token', 'csrf-token-invalid', () => byFetch({ headers: { 'x-csrf-token': 'x-y' } })],
    ['CF-03: a body that is a form, by script', 'csrf-token-invalid', () => byFetch({ headers: formHeaders })],
    ['a form with a bad token beside it', 'csrf-token-invalid', () => byForm({ headers: { 'x-csrf-token': 'x-y' } })],
    [
      'LO-02: a form of another site',
      'csrf-token-invalid',
      () => byForm({ fetchSite: 'cross-site', origin: 'https://evil.test' }),
    ],
    [
      'LO-02: a form of a sibling',
      'csrf-token-invalid',
      () => byForm({ fetchSite: 'same-site', origin: 'https://x.app.example' }),
    ],
    [
      'a form of a page we trust for calls',
      'csrf-token-invalid',
      () => byForm({ fetchSite: 'same-site', origin: 'https://p.app.example' }),
    ],
    ['a form that no page sent', 'csrf-token-invalid', () => byForm({ fetchSite: 'none', origin: undefined })],
    ['a form in a frame', 'csrf-token-invalid', () => byForm({ fetchDest: 'iframe' })],
    ['an old form of another site', 'csrf-token-invalid', () => byOldForm({ origin: 'https://evil.test' })],
    ['an old form over plain http', 'csrf-token-invalid', () => byOldForm({ origin: 'http://app.example' })],
    ['an old form without Origin', 'csrf-token-invalid', () => byOldForm({ origin: undefined })],
    ['an old form of a page without referrer', 'csrf-token-invalid', () => byOldForm({ origin: 'null' })],
    [
      'CF-01: a call without anything',
      'csrf-token-invalid',
      () => posted({ origin: 'https://app.example', headers: bare }),
    ],
  ])('%s: %s', async (_case, answer, request) => {
    const outcome = await signOut(request()).then(
      () => 'signed out',
      (error) => error.code,
    );

    expect(outcome).toBe(answer);
    expect(scene.sessions.size).toBe(answer === 'signed out' ? 0 : 1);
    expect(order).toHaveLength(answer === 'signed out' ? 1 : 0);
  });

  it('CF-02: is X-CSRF: 1 in CSRF_MODE=header', async () => {
    const inHeader = { csrf: new Csrf({ mode: 'header' }) };
    expect((await problemOf(signOut(byFetch(), inHeader))).code).toBe('csrf-token-invalid');

    expect((await signOut(byFetch({ headers: { 'x-csrf': '1' } }), inHeader)).status).toBe(200);
  });
});

describe('GET /logout', () => {
  it('CF-12: asks with one button, and changes nothing', async () => {
    const { status, headers, body } = await answerLogoutPage({ frontend }, { provider: scene.provider });

    expect(status).toBe(200);
    expect(String(body).match(/<(form|button|input|script|a)\b[^>]*>/g)).toEqual([
      '<form method="post" action="/logout">',
      '<button>',
    ]);
    expect(headers?.['Content-Security-Policy']).toContain(`form-action 'self' ${scene.op.issuer};`);
    expect(headers?.['Cache-Control']).toBe('no-store');
    expect(scene.sessions.calls).toEqual([]);
    expect(scene.sessions.size).toBe(1);
  });

  it('posts to the path with AUTH_BASE_PATH', async () => {
    const other = createFrontend({
      id: 'm',
      publicUrl: 'https://app.example',
      authBasePath: '/bff',
      trustedOrigins: [],
    });
    const { body } = await answerLogoutPage({ frontend: other }, { provider: scene.provider });

    expect(body).toContain('action="/bff/logout"');
  });
});
