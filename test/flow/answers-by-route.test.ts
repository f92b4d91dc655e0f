/**
 * What a route lets its upstream say to the browser, and what it gets in the place
 * of the rest.
 *
 * @module
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { type HopOptions, startHop } from '../support/hop.ts';
import type { Fields } from '../support/http-bytes.ts';
import { rawRequest } from '../support/raw.ts';
import { startUpstream } from '../support/upstream.ts';
import type { FullAnswer } from '../support/upstream-answers.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Asking extends HopOptions {
  readonly route?: Partial<RouteConfig>;
  readonly line?: string;
}

async function answerTo(told: FullAnswer, { route = {}, line = 'GET /api/orders/7', ...options }: Asking = {}) {
  const upstream = await startUpstream(() => told);
  const place = { path: '/api/orders', upstream: { origin: upstream.origin, path: '/v2' }, ...route };
  const hop = await startHop(upstream.origin, { routes: [place], ...options });
  closing.push(
    () => hop.close(),
    () => upstream.stop(),
  );
  const ask = () => rawRequest(hop.port, `${line} HTTP/1.1\r\nHost: ${hop.frontend.host}\r\n\r\n`, { responses: 1 });
  const { final } = await ask();
  const [answer] = final;
  if (!answer) throw new Error('there was no answer');
  return { answer, ask, upstream, problem: () => JSON.parse(answer.text()) };
}

const cookies = (...values: readonly string[]): Fields => values.map((value) => ['Set-Cookie', value] as const);
const https = 'https://app.example';

describe('cookies of an upstream', () => {
  const set = async (
    values: readonly string[],
    { setCookies, publicUrl = https }: { readonly setCookies: readonly string[]; readonly publicUrl?: string },
  ) => {
    const { answer } = await answerTo({ headers: cookies(...values) }, { route: { setCookies }, publicUrl });
    expect(answer.status).toBe(200);
    return answer;
  };

  it('CK-15: are passed on by name, each in a field of its own, and others are not', async () => {
    const values = ['theme=dark', 'tracking=1', 'lang=fr; Max-Age=60; SameSite=Strict; HttpOnly'];

    const answer = await set(values, { setCookies: ['theme', 'lang'] });
    expect(answer.status).toBe(200);
    expect(answer.all('set-cookie')).toEqual([
      'theme=dark; Path=/api/orders; Secure; SameSite=Lax',
      'lang=fr; Path=/api/orders; Max-Age=60; Secure; HttpOnly; SameSite=Strict',
    ]);
    expect((await set(values, { setCookies: [] })).all('set-cookie')).toEqual([]);
  });

  it('CK-15: are for this host alone and below the route, wherever the upstream wants them', async () => {
    const values = [
      'a=1; Domain=example; Path=/; SameSite=None; Partitioned',
      'b=1; Path=/v2/cart/',
      'c=1; Path=/v2/../x',
      'd=1; Path=/v2x',
      'e=1; Expires=Tue, 24 Nov 2026 11:41:46 GMT',
    ];

    expect((await set(values, { setCookies: ['a', 'b', 'c', 'd', 'e'] })).all('set-cookie')).toEqual([
      'a=1; Path=/api/orders; Secure; SameSite=Lax',
      'b=1; Path=/api/orders/cart; Secure; SameSite=Lax',
      'c=1; Path=/api/orders; Secure; SameSite=Lax',
      'd=1; Path=/api/orders; Secure; SameSite=Lax',
      'e=1; Path=/api/orders; Expires=Tue, 24 Nov 2026 11:41:46 GMT; Secure; SameSite=Lax',
    ]);
  });

  it.each([
    ['another case', 'Theme=dark'],
    ['a space in the value', 'theme=a b'],
    ['a value that is a list', 'theme=a,b'],
    ['no value at all', 'theme'],
    ['a name with a space', ' theme =dark'],
    ['more than a browser keeps', `theme=${'x'.repeat(4_096)}`],
  ])('CK-15: are dropped with %s', async (_what, value) => {
    expect((await set([value], { setCookies: ['theme'] })).all('set-cookie')).toEqual([]);
  });

  it('CK-15: have no Secure where the browser reaches us by plain http, on this machine', async () => {
    const answer = await set(['theme=dark'], { setCookies: ['theme'], publicUrl: 'http://localhost' });
    expect(answer.all('set-cookie')).toEqual(['theme=dark; Path=/api/orders; SameSite=Lax']);
  });
});

describe('the Cache-Control of an upstream', () => {
  const cached = async (value: string | undefined, route: Partial<RouteConfig>, more: Asking = {}) => {
    const headers: Fields = value === undefined ? [] : [['Cache-Control', value]];
    const { answer } = await answerTo({ headers }, { route, ...more });
    return { control: answer.all('cache-control'), vary: answer.all('vary') };
  };

  it('PX-20: counts where the route says so, for the browser of the person alone', async () => {
    expect(await cached('public, max-age=60, s-maxage=600', { cache: true })).toEqual({
      control: ['private, max-age=60'],
      vary: ['Cookie'],
    });
    expect(await cached('public, max-age=60', {})).toEqual({ control: ['no-store'], vary: [] });
  });

  it('PX-20: counts for all caches where nobody is signed in', async () => {
    const route = { cache: true, access: 'public', token: 'none' } as const;

    expect(await cached('public, max-age=60', route)).toEqual({ control: ['public, max-age=60'], vary: [] });
  });

  it.each([
    ['is not there', undefined, 'GET'],
    ['is not understood', 'private="Set-Cookie", max-age=60', 'GET'],
    ['belongs to a change', 'max-age=60', 'DELETE'],
  ])('PX-20: is no-store where it %s', async (_what, value, method) => {
    const line = `${method} /api/orders/7`;

    expect((await cached(value, { cache: true }, { line })).control).toEqual(['no-store']);
  });

  it('PX-20: is no-store beside a cookie', async () => {
    const headers: Fields = [['Cache-Control', 'max-age=60'], ...cookies('theme=dark')];
    const { answer } = await answerTo({ headers }, { route: { cache: true, setCookies: ['theme'] } });

    expect(answer.all('cache-control')).toEqual(['no-store']);
    expect(answer.all('set-cookie')).toHaveLength(1);
  });
});

describe('an error of an upstream', () => {
  const body = 'Error at /srv/orders/internal.js:7';

  it.each([400, 404, 500, 503])(
    'GW-07, PX-10: with status %i says nothing of the inside where the route masks it',
    async (status) => {
      const told = {
        status,
        headers: [
          ['Retry-After', '7'],
          ['X-Trace', 'inside'],
        ] as Fields,
        body,
      };
      const { answer, ask, upstream, problem } = await answerTo(told, { route: { maskErrors: true } });

      expect(answer.status).toBe(status);
      expect(answer.text()).not.toContain('srv');
      expect(answer.all('x-trace')).toEqual([]);
      expect(problem()).toMatchObject({ status, code: 'upstream-error', type: 'urn:claimcheck:error:upstream-error' });
      expect([answer.header('x-error-source'), answer.header('retry-after')]).toEqual(['upstream', '7']);
      expect((await ask()).final[0]?.status).toBe(status);
      expect(upstream.connections).toBe(1);
    },
  );

  it('GW-07: is passed on where the route does not, and so is what is no error', async () => {
    expect((await answerTo({ status: 500, body })).answer.text()).toBe(body);
    expect((await answerTo({ status: 200, body }, { route: { maskErrors: true } })).answer.text()).toBe(body);
  });

  it('GW-07: is not read to its end when it has none', async () => {
    const told = { status: 500, body: Buffer.alloc(8 * 1024 * 1024) };
    const { answer, ask, upstream } = await answerTo(told, { route: { maskErrors: true } });
    expect(answer.status).toBe(500);
    await ask();

    expect(upstream.connections).toBe(2);
  });
});

describe('a challenge for a stronger sign-in', () => {
  const challenge = (value: string): FullAnswer => ({
    status: 401,
    headers: [['WWW-Authenticate', value]],
    body: 'no',
  });
  const insufficient = 'error="insufficient_user_authentication"';

  it.each([
    [
      `Bearer ${insufficient}, acr_values="gold silver", max_age="5"`,
      { acr_values: 'gold silver', max_age: 5 },
      '/login?acr_values=gold+silver&max_age=5',
    ],
    [`DPoP ${insufficient}, acr_values=gold`, { acr_values: 'gold' }, '/login?acr_values=gold'],
    [`Bearer max_age=0,${insufficient}`, { max_age: 0 }, '/login?max_age=0'],
    [`Bearer ${insufficient}`, {}, '/login?prompt=login'],
    [`Bearer ${insufficient}, acr_values="a\tb", max_age="-1"`, {}, '/login?prompt=login'],
  ])('PX-17: %s tells the page what is asked for, and where to go', async (value, members, login_url) => {
    const { answer, problem } = await answerTo(challenge(value));
    const { acr_values, max_age } = problem();

    expect([answer.status, answer.header('x-error-source')]).toEqual([401, 'upstream']);
    expect(problem()).toMatchObject({ code: 'step-up-needed', login_url });
    expect(JSON.parse(JSON.stringify({ acr_values, max_age }))).toEqual(members);
    expect(answer.all('www-authenticate')).toEqual(['Cookie realm="claimcheck", form-action="/login"']);
  });

  it('PX-17: is an end and no loop for who is signed in that way already', async () => {
    const asked: unknown[] = [];
    const value = `Bearer ${insufficient}, acr_values="gold", max_age="60"`;
    const { answer, problem } = await answerTo(challenge(value), {
      isSignedInAs: (_authorized, stepUp) => asked.push(stepUp) > 0,
    });

    expect([answer.status, problem().code]).toEqual([403, 'step-up-in-vain']);
    expect(asked).toEqual([{ acrValues: 'gold', maxAge: 60 }]);
  });

  it.each([
    ['another error', 'Bearer error="invalid_request", error_description="insufficient_user_authentication"', {}],
    ['no error', 'Bearer realm="insufficient_user_authentication"', {}],
    ['nobody signed in', `Bearer ${insufficient}`, { access: 'public', token: 'none' }],
  ] as const)('PX-17, PX-18: is none with %s: the 401 is passed on', async (_what, value, route) => {
    const { answer } = await answerTo(challenge(value), { route });

    expect([answer.status, answer.text()]).toEqual([401, 'no']);
    expect(answer.all('www-authenticate')).toEqual([]);
  });
});
