/**
 * Attack: bytes that are no request, and requests that are refused before they are
 * one, so as to leave no trace; or to leave many.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { openRaw, rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';

let upstream: Upstream;
let world: World;

beforeAll(async () => {
  upstream = await startUpstream(() => ({ body: 'ok' }));
  const rules = `
routes:
  - { path: /api/orders, upstream: "${upstream.origin}", methods: [GET, POST] }
  - { path: /api/upload, upstream: "${upstream.origin}", access: public, methods: [GET, POST] }
  - { path: /api/live, upstream: "${upstream.origin}", websocket: true }
`;
  world = await startWorld({ upstream: '', env: { RULES_FILE: 'rules.yaml' }, files: { 'rules.yaml': rules } });
});

afterAll(async () => {
  await world.close();
  await upstream.stop();
});

const lines = () => world.log.filter(({ message }) => message === 'request');

/** The lines that a connection left, once it is over and a request behind it has been logged. */
async function linesOf(bytes: string) {
  const before = lines().length;
  const { text } = await rawRequest(world.port, Buffer.from(bytes, 'latin1'), { quietMs: 100 });
  const mark = `/mark-${before}`;
  await rawRequest(world.port, `GET ${mark} HTTP/1.1\r\nHost: localhost\r\n\r\n`, { responses: 1 });
  await eventually(() => lines().some(({ path }) => path === mark));
  return {
    text,
    left: lines()
      .slice(before)
      .filter(({ path }) => path !== mark),
  };
}

const handshake = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;
const chunked = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nOrigin: ${world.origin}\r\nSec-Fetch-Site: same-origin\r\n` +
  `Transfer-Encoding: chunked\r\n\r\n${body}`;

describe('one line in the log', () => {
  it.each([
    ['bytes that are no request', 'GARBAGE\r\n\r\n', 'method-unknown'],
    ['a greeting of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(64, '\x7f'), undefined],
    ['a greeting of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', undefined],
    ['a method that is none', 'FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'method-unknown'],
    ['CONNECT', 'CONNECT evil.test:443 HTTP/1.1\r\nHost: localhost\r\n\r\n', 'method-unknown'],
    ['a header that is too large', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, undefined],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n', undefined],
    [
      'two lengths',
      'POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      undefined,
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', undefined],
    ['another Host', 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n', 'host-unknown'],
    ['an absolute target', 'GET http://evil.test/ HTTP/1.1\r\nHost: localhost\r\n\r\n', undefined],
    ['a path in two readings', 'GET /api/orders/%2e%2e/x HTTP/1.1\r\nHost: localhost\r\n\r\n', undefined],
    ['a chunk that is none, before anybody reads', () => chunked('/api/orders', 'zz\r\n'), undefined],
    [
      'a chunk that is none, on its way to the upstream',
      () => chunked('/api/upload', '3\r\nabc\r\nzz\r\n'),
      'request-ambiguous',
    ],
    ['an upgrade without a session', handshake('/api/live'), undefined],
    ['an upgrade where none is offered', handshake('/api/orders'), undefined],
    ['an upgrade of a page', handshake('/'), undefined],
    ['an upgrade with an absolute target', handshake('http://169.254.169.254/latest'), undefined],
    ['an upgrade to nowhere', handshake('/api/nowhere'), undefined],
  ])('ER-04, LG-01: is left by %s', async (_case, bytes, code) => {
    const { text, left } = await linesOf(typeof bytes === 'string' ? bytes : bytes());

    expect(text.match(/HTTP\/1\.1 [45]\d\d /g)).toHaveLength(1);
    expect(left.map(({ code: each, status }) => [typeof each, typeof status])).toEqual([['string', 'number']]);
    if (code !== undefined) expect(left[0]?.['code']).toBe(code);
  });

  it('ER-04, LG-01: of a body that breaks off its request says which it was, and what was wrong', async () => {
    const { left } = await linesOf(chunked('/api/upload', '3\r\nabc\r\nzz\r\n'));

    expect(left).toEqual([
      expect.objectContaining({
        kind: 'I',
        method: 'POST',
        route: '/api/upload',
        status: 400,
        detail: 'HPE_INVALID_CHUNK_SIZE',
      }),
    ]);
    await eventually(() => upstream.openSockets === 0 || upstream.abortedRequests.length > 0);
  });

  it('ER-04: is that of the answer where it was refused before its body broke', async () => {
    const { text, left } = await linesOf(
      chunked('/api/upload', '3\r\nabc\r\nzz\r\n').replace('same-origin', 'cross-site'),
    );

    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403']);
    expect(left.map(({ status }) => status)).toEqual([403]);
  });

  it('ER-04: is left by what is in order too, and none by a connection that says nothing', async () => {
    expect((await linesOf('GET /api/upload HTTP/1.1\r\nHost: localhost\r\n\r\n')).left).toHaveLength(1);
    const before = lines().length;
    const raw = await openRaw(world.port);
    raw.destroy();
    await linesOf('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');

    expect(lines().length - before).toBe(2); // the request and the one behind it
  });
});

describe('what a request says', () => {
  const forged = '{"level":"error","event":"forged"}';
  const odd = [
    '\n',
    '\r',
    '\r\n',
    '\0',
    '\x1b[2J',
    '\x85',
    '\xe2\x80\xa8',
    '\x7f',
    '"}\n',
    '%0a',
    '%0d%0a',
    '%1b[2J',
    '\\n',
  ];

  it('LG-06, LG-07: begins no line in the log and moves no cursor, wherever it stands', async () => {
    const before = world.logText().length;
    for (const piece of odd) {
      const text = `${piece}${forged}`;
      await linesOf(`GET /${text} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await linesOf(`${text} / HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await linesOf(`GET / HTTP/1.1\r\nHost: localhost${text}\r\n\r\n`);
      await linesOf(`GET / HTTP/1.1\r\nHost: localhost\r\n${text}: a\r\n\r\n`);
      await linesOf(`GET /api/live HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${text}\r\nOrigin: ${text}\r\n\r\n`);
    }
    const written = world.logText().slice(before);

    expect(written.length).toBeGreaterThan(1_000);
    for (const line of written.split('\n').slice(0, -1)) expect(() => JSON.parse(line)).not.toThrow();
    expect(world.log.filter(({ event }) => event === 'forged')).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(written.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
  });
});
