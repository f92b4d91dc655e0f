/**
 * What a rules file says, and what is said of one that cannot be used.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { rulesExample } from '../../../src/config/describe.ts';
import { routeOfApiUpstream } from '../../../src/config/route-rules.ts';
import { readRules } from '../../../src/config/rules-file.ts';

const read = (content: string, production = true) => readRules(content, { production, files: { readFile: noFile } });

function noFile(path: string): never {
  throw new Error(`no file ${path}`);
}
const route = (...lines: readonly string[]) =>
  [
    'routes:',
    '  - path: /api/orders',
    '    upstream: https://orders.internal',
    ...lines.map((line) => `    ${line}`),
    '',
  ].join('\n');

/** Faults as they are told, without the variable. */
function faultsOf(content: string, production = true): readonly string[] {
  const rules = read(content, production);
  return 'faults' in rules
    ? rules.faults.map(({ place, sentence }) => (place === undefined ? sentence : `${place}: ${sentence}`))
    : [];
}

function routesOf(content: string, production = true) {
  const rules = read(content, production);
  return 'routes' in rules ? rules.routes : [];
}

describe('a rules file', () => {
  it('says what the example in the documentation says', () => {
    expect(routesOf(rulesExample)).toEqual([
      {
        path: '/api/orders',
        upstream: { origin: 'https://orders.internal:8443', path: '/v2' },
        methods: ['GET', 'POST'],
        access: 'session',
        token: 'user',
        audience: 'https://orders.example',
        scopes: ['orders.read'],
        timeoutMs: 30_000,
        maxBody: 10 * 1024 ** 2,
        minUploadRate: 240,
        setCookies: [],
        cache: false,
        maskErrors: false,
        websocket: false,
        dpop: true,
      },
      {
        path: '/api/news',
        upstream: { origin: 'https://news.internal', path: '' },
        methods: ['GET'],
        access: 'public',
        token: 'none',
        audience: undefined,
        scopes: [],
        timeoutMs: 30_000,
        maxBody: 100 * 1024 ** 2,
        minUploadRate: 240,
        setCookies: [],
        cache: false,
        maskErrors: false,
        websocket: false,
        dpop: true,
      },
    ]);
  });

  it('has the defaults of the design where it is silent', () => {
    expect(routesOf(route())[0]).toMatchObject({
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      access: 'session',
      token: 'user',
      scopes: [],
      timeoutMs: 30_000,
      maxBody: 100 * 1024 ** 2,
      minUploadRate: 240,
      setCookies: [],
      cache: false,
      maskErrors: false,
    });
  });

  it('says with one route for /api what API_UPSTREAM says', () => {
    const content = 'routes: [{ path: /api, upstream: https://orders.internal/base/ }]';

    expect(routesOf(content)).toEqual([routeOfApiUpstream('https://orders.internal/base/')]);
    expect(routesOf(content)[0]?.upstream).toEqual({ origin: 'https://orders.internal', path: '/base' });
  });

  it.each([
    ['no limit of the body', 'max_body: 0', { maxBody: 0 }],
    ['no limit of the body, in quotes', 'max_body: "0"', { maxBody: 0 }],
    ['a limit of the body', 'max_body: 64KB', { maxBody: 65_536 }],
    ['a shorter wait', 'timeout: 500ms', { timeoutMs: 500 }],
    ['no token for who is signed in', 'token: none', { access: 'session', token: 'none' }],
    ['a public route', 'access: public', { access: 'public', token: 'none' }],
    ['no WebSocket', 'websocket: false', { websocket: false }],
    ['WebSockets', 'websocket: true', { websocket: true }],
    ['no scope', 'scopes: []', { scopes: [] }],
    ['an alias', 'scopes: &read [orders.read]', { scopes: ['orders.read'] }],
  ])('can have %s', (_name, line, expected) => {
    expect(routesOf(route(line))[0]).toMatchObject(expected);
  });

  it.each(['/api', '/api/orders', '/api/v1.2/a_b~c-D', '/api/...', '/api/.well-known'])(
    'can have the path %s',
    (path) => {
      expect(routesOf(`routes: [{ path: "${path}", upstream: "https://a.internal" }]`)).toMatchObject([{ path }]);
    },
  );

  it.each([
    ...[
      '/',
      '/apis',
      '/login',
      'api',
      '/API',
      '/api/',
      '/api//a',
      '/api/../login',
      '/api/./a',
      '/api/a/..',
      '/api/%61',
    ],
    ...['/api/a;b', '/api/a?b', '/api/a#b', '/api/a b', '/api/*', '/api/:id', '/api/ä', '/api\\\\a', '/api/a\\n', ''],
  ])('TL-07: cannot have the path %j', (path) => {
    expect(faultsOf(`routes: [{ path: "${path}", upstream: "https://a.internal" }]`)).toEqual([
      'routes[0].path: must be /api or a path below it, of letters, digits and . _ ~ -, without a slash at the end.',
    ]);
  });

  it.each([
    [
      'a key with a mistake',
      'metods: [GET]',
      'routes[0]: has the key "metods", which is not known. Did you mean methods?',
    ],
    ['a key of other software', 'rewrite: /', 'routes[0]: has the key "rewrite", which is not known.'],
    ['a key that objects have', '__proto__: {}', 'routes[0]: has the key "__proto__", which is not known.'],
    ['a merge', '<<: { token: none }', 'routes[0]: has the key "<<", which is not known.'],
    [
      'a method that nobody knows',
      'methods: [PURGE]',
      'routes[0].methods[0]: must be one of GET, HEAD, POST, PUT, PATCH, DELETE.',
    ],
    [
      'a method in small letters',
      'methods: [get]',
      'routes[0].methods[0]: must be one of GET, HEAD, POST, PUT, PATCH, DELETE.',
    ],
    [
      'a method of ours',
      'methods: [OPTIONS]',
      'routes[0].methods[0]: must be one of GET, HEAD, POST, PUT, PATCH, DELETE.',
    ],
    [
      'one method without a list',
      'methods: GET',
      'routes[0].methods: must be a list of GET, HEAD, POST, PUT, PATCH, DELETE.',
    ],
    ['no method', 'methods: []', 'routes[0].methods: must name at least one method.'],
    ['another access', 'access: admin', 'routes[0].access: must be session or public.'],
    ['a token of another kind', 'token: both', 'routes[0].token: must be user, client, exchange or none.'],
    ['a WebSocket that is a text', 'websocket: "yes"', 'routes[0].websocket: must be true or false.'],
    [
      'a WebSocket without the GET it begins with',
      'methods: [POST]\n    websocket: true',
      'routes[0].websocket: needs GET among methods: a WebSocket begins with one.',
    ],
    ['a proof where none are made', 'dpop: true', 'routes[0].dpop: needs DPOP=on.'],
    ['a proof that is a text', 'dpop: "on"', 'routes[0].dpop: must be true or false.'],
    [
      'a scope of two words',
      'scopes: [orders read]',
      'routes[0].scopes[0]: must be one scope without spaces (RFC 6749, 3.3).',
    ],
    [
      'a wait without a unit',
      'timeout: 30',
      'routes[0].timeout: must be a duration such as 500ms, 30s, 15m or 8h, and at most 24h.',
    ],
    [
      'a size without a unit',
      'max_body: 1000',
      'routes[0].max_body: must be a size such as 64KB or 10MB, or 0 for no limit.',
    ],
    [
      'an audience that is no URI',
      'audience: orders',
      'routes[0].audience: must be an absolute URI such as https://orders.example, without a fragment.',
    ],
    [
      'an exception that says yes',
      'insecureAllowHttpUpstream: yes',
      'routes[0].insecureAllowHttpUpstream: must be true or false.',
    ],
  ])('TL-07: is refused with %s', (_name, line, fault) => {
    expect(faultsOf(route(line))).toEqual([fault]);
    expect(faultsOf(route())).toEqual([]);
  });

  it.each([
    [
      'a token where nobody is signed in',
      ['access: public', 'token: user'],
      'routes[0].token: must be none or client where access is public: nobody is signed in.',
    ],
    [
      'scopes where nobody is signed in',
      ['access: public', 'scopes: [orders.read]'],
      'routes[0].scopes: need access: session.',
    ],
  ])('is refused with %s', (_name, lines, fault) => {
    expect(faultsOf(route(...lines))).toEqual([fault]);
    expect(faultsOf(route('access: public', 'token: none', 'scopes: []'))).toEqual([]);
  });

  it('is refused with a path twice', () => {
    const twice = '{ path: /api/a, upstream: https://a.internal }';

    expect(faultsOf(`routes: [${twice}, ${twice}]`)).toEqual(['routes[1].path: is there twice.']);
    expect(faultsOf(`routes: [${twice}, ${twice.replace('/api/a', '/api/A')}]`)).toEqual([]);
  });

  it.each([
    ['nothing', '', 'must be a map with the key routes.'],
    ['a text', 'CLIENT_SECRET=abc', 'must be a map with the key routes.'],
    ['a list', '- path: /api', 'must be a map with the key routes.'],
    ['no route', 'routes: []', 'routes: must name at least one route.'],
    ['a map of routes', 'routes: { /api: https://a.internal }', 'routes: must be a list of routes.'],
    ['a number for a route', 'routes: [1]', 'routes[0]: must be a route, with path and upstream.'],
    ['routes with a mistake', `${route()}\nroute: []`, 'has the key "route", which is not known. Did you mean routes?'],
  ])('TL-07: is refused when it holds %s', (_name, content, fault) => {
    expect(faultsOf(content)).toEqual([fault]);
  });
});

describe('the upstream of a route', () => {
  const withUpstream = (upstream: string, more = '') => `routes: [{ path: /api, upstream: "${upstream}"${more} }]`;

  it.each([
    'orders.internal',
    '//orders.internal',
    'ftp://orders.internal',
    'https://u:p@orders.internal',
    'https://orders.internal?a',
    'https://orders.internal#a',
    'https://',
    'https:/orders.internal',
    'https://orders internal',
    'unix:/run/orders',
    'https://orders.internal:99999',
    '',
  ])('TL-07: is not %j', (upstream) => {
    expect(faultsOf(withUpstream(upstream))).toEqual([
      'routes[0].upstream: must be a URL such as https://login.example/realm, without credentials, query or fragment.',
    ]);
  });

  it.each(['http://127.0.0.1:4001', 'http://localhost:4001', 'http://[::1]:4001', 'http://api.localhost'])(
    'TL-07: can be %s, which stays on this machine',
    (upstream) => {
      expect(faultsOf(withUpstream(upstream))).toEqual([]);
    },
  );

  it('TL-07: needs its exception to be plain http on another machine', () => {
    const plain = 'http://orders.internal';

    expect(faultsOf(withUpstream(plain))).toEqual([
      'routes[0].upstream: must be https unless it is on this machine. insecureAllowHttpUpstream: true allows plain http for this route.',
    ]);
    expect(faultsOf(withUpstream(plain, ', insecureAllowHttpUpstream: false'))).toHaveLength(1);
    expect(routesOf(withUpstream(plain, ', insecureAllowHttpUpstream: true'))).toHaveLength(1);
    expect(routesOf(withUpstream(plain), false)).toHaveLength(1);
  });
});

describe('YAML', () => {
  it.each([
    ['a key twice', route('token: user', 'token: none'), 'is no plain YAML in line 5: duplicate key.'],
    ['a tab', 'routes:\n\t- path: /api', 'is no plain YAML in line 2: tab as indent.'],
    ['an open quote', 'routes: "', 'is no plain YAML in line 1: missing char.'],
    ['a tag', route('token: !secret none'), 'is no plain YAML in line 4: tag resolve failed.'],
    ['two documents', `${route()}---\n${route()}`, 'is no plain YAML in line 4: multiple docs.'],
    ['an alias of nothing', route('scopes: *none'), 'has an alias that leads nowhere, or more than 50 of them.'],
  ])('TL-07: with %s is refused', (_name, content, fault) => {
    expect(faultsOf(content)).toEqual([fault]);
  });

  it('does not grow by aliases of aliases', () => {
    const layers = Array.from(
      { length: 9 },
      (_, at) => `a${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`,
    );

    expect(faultsOf(['a0: &a0 [x]', ...layers, route()].join('\n'))).toEqual([
      'has an alias that leads nowhere, or more than 50 of them.',
    ]);
  });
});
