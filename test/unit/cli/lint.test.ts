/**
 * What `claimcheck check` says of routes that are allowed and odd, each beside routes
 * of which it says nothing, and which way `claimcheck explain` says a request goes.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { filesWith, production } from '../config/settings.ts';
import { ranWith } from './running.ts';

const env = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' };
const outer = '{ path: /api, upstream: https://a.internal, scopes: [openid] }';

/** What the command says of these routes, from line 2 on, without the warnings about settings. */
async function checked(routes: readonly string[], args: readonly string[] = []) {
  const files = filesWith({ 'rules.yaml': ['routes:', ...routes.map((route) => `  - ${route}`)].join('\n') });
  const { code, output } = await ranWith(['check', ...args], { env, files });
  return {
    code,
    said: output.split('\n').filter((line) => / RULES_FILE\b.*: /.test(line) && !/ RULES_FILE: \//.test(line)),
  };
}

describe('claimcheck check, of routes', () => {
  it.each([
    ['shadows', [outer, '{ path: /api/x, upstream: https://a.internal, methods: [GET] }'], [outer]],
    [
      'is public and mutating',
      ['{ path: /api/x, upstream: https://a.internal, access: public, methods: [GET, POST] }'],
      ['{ path: /api/x, upstream: https://a.internal, access: public, methods: [GET] }'],
    ],
    ['opens a part of /api', [outer, '{ path: /api/x, upstream: https://a.internal, access: public }'], [outer]],
    [
      'has an http upstream',
      ['{ path: /api, upstream: http://a.internal, scopes: [openid], insecureAllowHttpUpstream: true }'],
      [outer],
    ],
    ['names no scope', ['{ path: /api, upstream: https://a.internal }'], [outer]],
    [
      'needs x.read, which SCOPES does not',
      ['{ path: /api, upstream: https://a.internal, scopes: [x.read] }'],
      [outer],
    ],
    [
      'sends https://b.internal the token',
      [outer, '{ path: /api/b, upstream: https://b.internal, scopes: [openid] }'],
      [outer, '{ path: /api/b, upstream: https://b.internal, scopes: [openid], audience: https://b.example }'],
    ],
    [
      'takes bodies without a limit',
      ['{ path: /api, upstream: https://a.internal, access: public, methods: [GET], max_body: 0 }'],
      ['{ path: /api, upstream: https://a.internal, access: public, methods: [GET] }'],
    ],
    ['leads back to PUBLIC_URL', ['{ path: /api, upstream: https://app.example, scopes: [openid] }'], [outer]],
  ])('warns where a route %s, with its line, and fails with --strict', async (sentence, odd, fine) => {
    const { code, said } = await checked(odd);
    const line = said.find((one) => one.includes(sentence));

    expect(code).toBe(0);
    expect(line).toMatch(
      new RegExp(`^warning: RULES_FILE line ${odd.length + 1}: /api|^warning: RULES_FILE line 2: /api`),
    );
    expect((await checked(odd, ['--strict'])).code).toBe(1);
    expect((await checked(fine)).said.filter((one) => one.includes(sentence))).toEqual([]);
    expect((await checked([outer], ['--strict'])).code).toBe(0);
  });

  it.each([
    [
      'is unreachable',
      [
        outer,
        '{ path: /api/a.../b, upstream: https://a.internal }',
        '{ path: /api/A/b/c, upstream: https://a.internal }',
      ],
      4,
    ],
    [
      'two routes are one',
      [outer, '{ path: /api/a, upstream: https://a.internal }', '{ path: /api/A, upstream: https://a.internal }'],
      undefined,
    ],
  ])('GW-05: fails where a route %s', async (sentence, routes, line) => {
    const { code, said } = await checked(routes);

    expect(code).toBe(1);
    const place = line === undefined ? '' : ` line ${line}: /api/A/b/c`;
    expect(said).toContainEqual(expect.stringContaining(`error: RULES_FILE${place}: ${sentence}`));
  });

  it('CF-05: lists a wildcard origin as a fault', async () => {
    const { code, complaints } = await ranWith(['check'], { env: { ...production, CORS_ALLOWED_ORIGINS: '*' } });
    expect(code).toBe(1);
    expect(complaints).toContain('CORS_ALLOWED_ORIGINS: ');
  });

  it('tells the line of a fault', async () => {
    const files = filesWith({
      'rules.yaml': 'routes:\n  - path: /api\n    upstream: https://a.internal\n    acess: public\n',
    });
    const { complaints } = await ranWith(['check'], { env, files });
    expect(complaints).toContain('RULES_FILE routes[0] (line 2): has the key "acess"');
  });
});

describe('claimcheck explain', () => {
  const rules = [
    'routes:',
    '  - { path: /api/orders, upstream: https://o.internal/v2, methods: [GET, POST], scopes: [openid], audience: https://o.example }',
    '  - { path: /api/news, upstream: https://n.internal, access: public, methods: [GET] }',
  ].join('\n');
  const explain = async (...words: readonly string[]) => {
    const { code, output } = await ranWith(['explain', ...words], { env, files: filesWith({ 'rules.yaml': rules }) });
    return { code, steps: output.split('\n').map((line) => line.split(/ {2,}/)) };
  };

  it('tells each step of a call in the order of the server, to its URL at the upstream', async () => {
    const { code, steps } = await explain('POST', '/api/orders/7?x=1');

    expect(code).toBe(0);
    expect(steps.map(([name]) => name)).toEqual([
      ...['receive', 'security headers', 'plain http', 'cors', 'overload', 'cross origin'],
      ...['route', 'session', 'csrf', 'token', 'upstream'],
    ]);
    expect(steps.at(-3)?.[1]).toContain('without it 403 csrf-token-invalid');
    expect(steps.at(-2)?.[1]).toBe(
      "the person's access token for https://o.example; needs openid; without it 403 scope-missing",
    );
    expect(steps.at(-1)?.[1]).toBe('POST https://o.internal/v2/7?x=1');
    expect((await explain('GET', '/api/orders/7')).steps.find(([name]) => name === 'csrf')?.[1]).toBe(
      'no proof is asked for',
    );
  });

  it('asks nobody who it is on a public route', async () => {
    const { code, steps } = await explain('GET', '/api/news/1');
    expect(code).toBe(0);
    expect(steps.map(([name]) => name)).not.toContain('session');
    expect(steps.at(-1)?.[1]).toBe('GET https://n.internal/1');
  });

  it.each([
    ['GET', '/api/none', 'api', '404 not-found'],
    ['DELETE', '/api/orders/7', 'api', '405 method-not-allowed (Allow: GET, POST, HEAD, OPTIONS)'],
    ['GET', '/api/orders/%2e%2e/x', 'receive', '400 request-ambiguous'],
    ['TRACE', '/api/orders', 'receive', '501 method-unknown'],
  ])('GW-05: tells why %s %s goes nowhere', async (method, path, step, refusal) => {
    const { code, steps } = await explain(method, path);
    expect(code).toBe(1);
    expect(steps.at(-1)?.[0]).toBe(step);
    expect(steps.at(-1)?.[1]).toContain(refusal);
  });

  it.each([
    ['/session', 'sign-in'],
    ['/some/page', 'page'],
  ])('tells who answers %s', async (path, last) => {
    const { code, steps } = await explain('GET', path);
    expect([code, steps.at(-1)?.[0]]).toEqual([0, last]);
  });

  it('needs a method and a path', async () => {
    expect((await ranWith(['explain', 'GET'])).code).toBe(2);
    expect((await ranWith(['explain', 'GET', '/api/x', 'more'])).code).toBe(2);
  });
});
