/**
 * How the authorization server's answer comes: in the query, by a posted form, or
 * as a signed JWT; and that it comes in no other way than the one asked for.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/browser-answer.ts';
import type { JoseSwitches } from '../support/hostile/jose.ts';
import { repeatMember } from '../support/hostile/json.ts';
import { rawRequest } from '../support/raw.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

type Mode = 'query' | 'form_post' | 'jwt';

const startMode = (mode: Mode) =>
  startHostileWorld({ env: { RESPONSE_MODE: mode, API_AUDIENCE: undefined, USER_CLAIMS: 'name' } });

/** What became of a sign-in: nothing, or what page and log were told. */
function outcomeOf(at: HostileWorld, answer: Answer): readonly unknown[] {
  const { searchParams } = new URL(answer.header('location') ?? '', at.world.origin);
  const error = searchParams.get('auth_error');
  expect(sessionCookies(answer)).toHaveLength(error === null ? 1 : 0);
  const reason = at.world.log.findLast(({ event }) => String(event).startsWith('sign-in.'))?.['reason'];
  return error === null ? [answer.status] : [answer.status, error, reason, at.hostile.hits('token')];
}

describe('signed responses', () => {
  let at: HostileWorld;
  beforeAll(async () => {
    at = await startMode('jwt');
  });
  beforeEach(() => at.refresh());
  afterAll(() => at.close());

  it('CB-12, CB-04: sign somebody in, and the request asks for them', async () => {
    const callback = await at.upToCallback(at.world.browser());
    expect([...callback.searchParams.keys()]).toEqual(['response']);
    expect(at.hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query['response_mode']).toBe('jwt');

    at.refresh();
    expect(outcomeOf(at, await at.signIn())).toEqual([303]);
  });

  it('CB-06: carry an error of the provider, too', async () => {
    at.hostile.script.authorize.error = { error: 'access_denied' };
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'access_denied', 'access_denied', 0]);
  });

  const now = () => at.hostile.now();
  it.each<[string, () => Record<string, unknown>, string]>([
    ['another issuer', () => ({ iss: 'https://evil.test' }), 'response-issuer'],
    ['no issuer', () => ({ iss: undefined }), 'response-issuer'],
    ['another audience', () => ({ aud: 'another-client' }), 'response-audience'],
    ['us and another audience', () => ({ aud: [at.hostile.client.clientId, 'another'] }), 'response-audience'],
    ['no audience', () => ({ aud: undefined }), 'response-audience'],
    ['an end in the past', () => ({ exp: now() - 60 }), 'response-expiry'],
    ['no end', () => ({ exp: undefined }), 'response-expiry'],
    ['an end that is a text', () => ({ exp: String(now() + 60) }), 'response-expiry'],
    ['an end next week', () => ({ exp: now() + 604_800 }), 'response-expiry'],
    ['a beginning in the future', () => ({ nbf: now() + 120 }), 'response-not-before'],
    ['a sign-in of tomorrow', () => ({ iat: now() + 86_400 }), 'response-issued-at'],
    ['a token beside the code', () => ({ access_token: 'x' }), 'token-in-front-channel'],
    ['no code', () => ({ code: undefined }), 'code-missing'],
    ['a code that is a number', () => ({ code: 7 }), 'code-missing'],
  ])('CB-12, IT-01: with %s are refused before the code is spent', async (_case, claims, reason) => {
    at.hostile.script.authorize.jarmClaims = claims();
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'provider_error', reason, 0]);
  });

  it.each<[string, JoseSwitches, string]>([
    ['no signature', { none: 'none' }, 'token-form'],
    ['no algorithm but a signature', { header: { alg: 'none' } }, 'token-algorithm'],
    ['an HMAC with our secret', { hmac: 'client-secret' }, 'token-algorithm'],
    ['an HMAC with the public key', { hmac: 'spki-pem' }, 'token-algorithm'],
    ['a broken signature', { signature: 'flip-first' }, 'signature'],
    ['the signature of other claims', { signature: 'other' }, 'signature'],
    ['the key of somebody else', { key: 'attacker' }, 'signature'],
    ['the type of an access token', { header: { typ: 'at+jwt' } }, 'token-type'],
    ['an algorithm that nobody asked for', { header: { alg: 'RS512' } }, 'token-algorithm'],
    ['two codes', { payloadText: repeatMember('code', 'another') }, 'token-duplicate-member'],
    ['an extension', { header: { crit: ['x'], x: 1 } }, 'token-critical'],
  ])('CB-12, IT-11: with %s are refused before the code is spent', async (_case, jose, reason) => {
    at.hostile.script.authorize.jarmJose = jose;
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'provider_error', reason, 0]);
  });

  it('CB-01: with a state that is not ours are refused, and with ours work', async () => {
    at.hostile.script.authorize.jarmClaims = { state: 'another' };
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'state_mismatch', 'state-not-ours', 0]);
    at.refresh();
    expect(outcomeOf(at, await at.signIn())).toEqual([303]);
  });

  it('CB-12: are not replaced by plain ones, and carry nothing plain beside them', async () => {
    at.hostile.script.authorize.mode = 'query';
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'provider_error', 'response-mode', 0]);

    at.refresh();
    const browser = at.world.browser();
    for (const extra of ['&code=x', '&response=again', '&state=x', '&foo=bar']) {
      at.refresh();
      const callback = `${await at.upToCallback(browser)}${extra}`;
      expect(outcomeOf(at, await at.land(browser, callback)), extra).toEqual([
        303,
        'provider_error',
        'response-mode',
        0,
      ]);
    }
  });

  it('CB-09: are used once', async () => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    expect(outcomeOf(at, await at.land(browser, callback))).toEqual([303]);
    expect((await at.land(browser, callback)).header('location')).toBe('/');
    expect(at.hostile.hits('token')).toBe(1);
  });
});

describe('responses in the query', () => {
  let at: HostileWorld;
  beforeAll(async () => {
    at = await startMode('query');
  });
  beforeEach(() => at.refresh());
  afterAll(() => at.close());

  it('CB-12: are the usual ones, and a signed one is refused where none was asked for', async () => {
    expect(outcomeOf(at, await at.signIn())).toEqual([303]);
    at.refresh();
    at.hostile.script.authorize.mode = 'query.jwt';
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'provider_error', 'response-mode', 0]);
    at.refresh();
    at.hostile.script.authorize.parameters = (honest) => ({ ...honest, response: 'x' });
    expect(outcomeOf(at, await at.signIn())).toEqual([303, 'provider_error', 'response-mode', 0]);
  });

  it('CB-12: cannot be posted, be it by a page of ours', async () => {
    const browser = at.world.browser();
    const { origin, pathname, searchParams } = await at.upToCallback(browser);
    const fields = Object.fromEntries(searchParams);
    const foreign = await browser.submitForm(origin + pathname, fields, {
      from: `${at.hostile.issuer}/`,
      redirect: 'manual',
    });
    expect(foreign.status).toBe(403);
    const own = await browser.submitForm(origin + pathname, fields, { from: `${origin}/`, redirect: 'manual' });
    expect([own.status, own.header('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(at.hostile.hits('token')).toBe(0);
  });
});

describe('responses by form_post', () => {
  let at: HostileWorld;
  beforeAll(async () => {
    at = await startMode('form_post');
  });
  beforeEach(() => at.refresh());
  afterAll(() => at.close());

  /** Goes up to the form that the provider shows; its fields, and what a test makes of them. */
  async function form(browser = at.world.browser()) {
    const from = `${at.world.origin}/`;
    const start = await browser.navigate(`${at.world.origin}/login`, { from, redirect: 'manual' });
    const page = await browser.navigate(start.header('location') ?? '', { from });
    const fields = Object.fromEntries(
      [...page.body.toString().matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
    const post = (changed: Record<string, string> = fields, target = `${at.world.origin}/callback`) =>
      browser.submitForm(target, changed, { from: page.url, redirect: 'manual', byPerson: false });
    return { browser, start, fields, post };
  }

  it('CB-12, LS-27: sign somebody in from a page of another site, with a 303, and the request asks for them', async () => {
    const { browser, start, fields, post } = await form();
    expect(Object.keys(fields).toSorted()).toEqual(['code', 'iss', 'state']);
    expect(at.hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query['response_mode']).toBe('form_post');
    const cookies = start.headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value);
    for (const line of cookies) expect(line).toMatch(/; HttpOnly; SameSite=None; Secure$/);

    const answer = await post();
    expect(outcomeOf(at, answer)).toEqual([303]);
    expect(sessionCookies(answer)[0]).toContain('SameSite=Strict');
    expect((await at.world.session(browser))['authenticated']).toBe(true);
  });

  it('CB-08, CB-12: carry an error of the provider, too, by form_post', async () => {
    at.hostile.script.authorize.error = { error: 'access_denied', error_description: '<script>' };
    const { post } = await form();
    expect(outcomeOf(at, await post())).toEqual([303, 'access_denied', 'access_denied', 0]);
  });

  it('SE-02: end the session that the browser began meanwhile, which no cookie of the session tells', async () => {
    const [browser, ended] = [at.world.browser(), () => at.countEvents('session.ended')];
    const [first, second] = [await form(browser), await form(browser)];
    expect(outcomeOf(at, await first.post())).toEqual([303]);
    const before = ended();
    const answer = await second.post();

    expect(sessionCookies(answer)).toHaveLength(1);
    expect(ended()).toBe(before + 1);
    expect((await at.world.session(browser))['authenticated']).toBe(true);
  });

  it('CB-12: are not taken from a redirect', async () => {
    at.hostile.script.authorize.mode = 'query';
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    expect((await at.land(browser, callback)).status).toBe(403);
    const own = await browser.navigate(String(callback), { from: `${at.world.origin}/`, redirect: 'manual' });
    expect([own.status, own.header('allow')]).toEqual([405, 'POST, OPTIONS']);
    expect(at.hostile.hits('token')).toBe(0);
  });

  it('CB-01, CB-12: are refused with something in the address, with a field twice, or without their state', async () => {
    const { fields, post } = await form();
    expect((await post(fields, `${at.world.origin}/callback?code=x`)).status).toBe(400);
    expect(outcomeOf(at, await post({ ...fields, state: 'x' }))).toEqual([303, 'state_mismatch', 'state-not-ours', 0]);
    expect(outcomeOf(at, await post({ ...fields, response: 'x' }))).toEqual([
      303,
      'provider_error',
      'response-mode',
      0,
    ]);
    at.refresh();
    const again = await form();
    expect(outcomeOf(at, await again.post())).toEqual([303]);
  });

  it('LS-07, CB-02: are of no use in another browser', async () => {
    const { fields, post } = await form();
    const other = at.world.browser();
    const answer = await other.submitForm(`${at.world.origin}/callback`, fields, {
      from: `${at.hostile.issuer}/`,
      redirect: 'manual',
    });
    expect(answer.header('location')).toContain('/login');
    expect(sessionCookies(answer)).toEqual([]);
    expect(at.hostile.hits('token')).toBe(0);
    expect(outcomeOf(at, await post())).toEqual([303]);
  });

  it('LS-23: are not taken from a frame or a script of another site, whose requests bring the cookies, too', async () => {
    const { fields, browser, post } = await form();
    const body = new URLSearchParams(fields).toString();
    const cookie = browser.cookieHeader(`${at.world.origin}/callback`, { from: `${at.world.origin}/` });
    const sent = async (dest: string, mode: string) => {
      const headers = [
        `Host: localhost:${at.world.port}`,
        `Cookie: ${cookie}`,
        `Origin: ${at.hostile.issuer}`,
        ...['Sec-Fetch-Site: cross-site', `Sec-Fetch-Dest: ${dest}`, `Sec-Fetch-Mode: ${mode}`],
        ...['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`],
      ];
      const bytes = `POST /callback HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
      return (await rawRequest(at.world.port, bytes, { responses: 1 })).final[0]?.status;
    };
    expect(await sent('iframe', 'navigate')).toBe(403);
    expect(await sent('empty', 'no-cors')).toBe(403);
    expect(at.hostile.hits('token')).toBe(0);
    expect(outcomeOf(at, await post())).toEqual([303]);
  });

  it('CB-25: are bounded, and of one type', async () => {
    const post = async (type: string, body: string) => {
      const head = `POST /callback HTTP/1.1\r\nHost: localhost:${at.world.port}\r\nContent-Type: ${type}\r\n`;
      const { final } = await rawRequest(at.world.port, `${head}Content-Length: ${body.length}\r\n\r\n${body}`, {
        responses: 1,
      });
      return final[0]?.status;
    };
    const form = 'application/x-www-form-urlencoded';
    expect(await post(form, 'state=x&code=y')).toBe(303);
    expect(await post('application/json', '{"state":"x"}')).toBe(400);
    expect(await post('multipart/form-data; boundary=x', '--x--')).toBe(400);
    expect(await post(form, `state=${'x'.repeat(16 * 1024)}`)).toBe(413);
  });

  it('CF-01: leave every other route closed to other sites', async () => {
    const browser = await (async () => {
      const { browser: signedIn, post } = await form();
      await post();
      return signedIn;
    })();
    for (const path of ['/session/refresh', '/logout', '/login']) {
      const answer = await browser.submitForm(
        `${at.world.origin}${path}`,
        { a: 'b' },
        {
          from: `${at.hostile.issuer}/`,
          redirect: 'manual',
        },
      );
      expect(answer.status, path).toBe(403);
    }
  });
});
