/**
 * Attack: an upstream that was taken over, or is merely broken, and speaks to the
 * browser in our name.
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Hop, startHop } from '../support/hop.ts';
import type { Fields } from '../support/http-bytes.ts';
import { rawRequest } from '../support/raw.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import type { Answer } from '../support/upstream-answers.ts';

let upstream: Upstream;
let hop: Hop;

beforeAll(async () => {
  upstream = await startUpstream();
  hop = await startHop(upstream.origin, {
    routes: [{ path: '/api/orders', upstream: { origin: upstream.origin, path: '/v2/internal' }, timeoutMs: 1_000 }],
    limits: { connections: 1 },
  });
});

afterAll(async () => {
  await hop.close();
  await upstream.stop();
});

beforeEach(() => {
  upstream.forget();
  upstream.script = echo;
});

const ask = (method = 'GET', path = '/api/orders/7') =>
  rawRequest(hop.port, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, { responses: 1 });

async function answered(answer: Answer, method = 'GET') {
  upstream.script = () => answer;
  const { final } = await ask(method);
  const [response] = final;
  if (!response) throw new Error('no answer came');
  return response;
}

const json: Fields = [['Content-Type', 'application/json']];

describe('headers that would speak for us', () => {
  it('PX-10, PX-18, PX-20, GW-08: none of them arrives', async () => {
    const response = await answered({
      headers: [
        ...json,
        ['Set-Cookie', 'claimcheck=evil; Path=/'],
        ['Set-Cookie', 'theme=evil'],
        ['Server', 'evil/1.0'],
        ['X-Powered-By', 'evil'],
        ['Via', '1.1 internal.evil'],
        ['Access-Control-Allow-Origin', '*'],
        ['Access-Control-Allow-Credentials', 'true'],
        ['WWW-Authenticate', 'Basic realm="evil"'],
        ['Clear-Site-Data', '"*"'],
        ['Strict-Transport-Security', 'max-age=0'],
        ['Alt-Svc', 'h3="evil.test:443"'],
        ['Public-Key-Pins', 'evil'],
        ['X-Error-Source', 'claimcheck-evil'],
        ['X-Accel-Redirect', '/evil'],
        ['NEL', '{"evil":1}'],
        ['Report-To', '{"evil":1}'],
        ['Refresh', '0; url=https://evil.test/'],
        ['Cache-Control', 'public, max-age=9999'],
        ['Location', `http://127.0.0.1:${upstream.port}/evil`],
        ['Content-Location', '/evil'],
        ['Link', '<https://evil.test/>; rel=preload'],
        ['Service-Worker-Allowed', '/evil'],
        ['X-Request-Id', 'evil'],
        ['X_Under', 'evil'],
        ['X-Kept', 'kept'],
      ],
      body: '{}',
    });

    expect(response.status).toBe(200);
    expect(response.raw).not.toContain('evil');
    expect(response.raw).not.toContain('internal');
    expect(response.raw).not.toContain(String(upstream.port));
    expect(response.all('set-cookie')).toEqual([]);
    expect(response.all('cache-control')).toEqual(['no-store']);
    expect(response.all('x-content-type-options')).toEqual(['nosniff']);
    expect(response.header('x-kept')).toBe('kept');
    expect(response.text()).toBe('{}');
  });

  it.each([
    ['a path of its own', '/v2/internal/8', '/api/orders/8'],
    ['its own address', 'http://127.0.0.1:PORT/v2/internal/8?x=1', '/api/orders/8?x=1'],
    ['a relative path', '8', '/api/orders/8'],
  ])('PX-10, GW-08: maps a redirect to %s', async (_case, location, expected) => {
    const response = await answered({
      status: 302,
      headers: [['Location', location.replace('PORT', String(upstream.port))]],
    });

    expect(response.status).toBe(302);
    expect(response.header('location')).toBe(expected);
    expect(upstream.requests).toHaveLength(1);
  });

  it('PX-10: follows no redirect itself, and sends nobody to the trap', async () => {
    await using trap = await startUpstream();
    const response = await answered({ status: 307, headers: [['Location', `${trap.origin}/v2/internal`]] });

    expect(response.status).toBe(307);
    expect(response.header('location')).toBeUndefined();
    expect(trap.connections).toBe(0);
  });

  it('PX-21: a page of the upstream cannot run as ours', async () => {
    const page = await answered({ headers: [['Content-Type', 'text/html']], body: '<script>alert(1)</script>' });
    expect(page.header('content-security-policy')).toBe('sandbox');
    expect(page.header('x-content-type-options')).toBe('nosniff');

    const untyped = await answered({ body: '<script>alert(1)</script>' });
    expect(untyped.header('content-type')).toBe('application/octet-stream');

    const data = await answered({ headers: json, body: '{}' });
    expect(data.header('content-security-policy')).toBeUndefined();
    expect(data.header('content-type')).toBe('application/json');
  });
});

describe('an answer that is not HTTP, or not for us', () => {
  it.each<readonly [string, Answer]>([
    ['garbage', { raw: 'nonsense\r\n\r\n', afterwards: 'close' }],
    ['a status line alone', { raw: 'HTTP/1.1 200 OK\r\n', afterwards: 'close' }],
    [
      'a length and chunks',
      { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' },
    ],
    ['two lengths', { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd' }],
    ['a header name with a space', { raw: 'HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n' }],
    ['a folded header', { raw: 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n' }],
    ['a value with a NUL', { raw: 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n' }],
    ['a value with a control character', { raw: 'HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n' }],
    [
      'a value with a bare carriage return',
      { raw: 'HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: x=1\r\nContent-Length: 0\r\n\r\n' },
    ],
    [
      'a switch of protocols nobody asked for',
      { raw: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n' },
    ],
    ['a status over 599', { raw: 'HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n' }],
    ['a status of two digits', { raw: 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', afterwards: 'close' }],
    ['headers without an end', { raw: `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n` }],
    ['a reset', 'reset'],
    ['a close', 'close'],
  ])('ER-03, ER-08: %s is a 502 that tells nothing, and the next call works', async (_case, answer) => {
    const response = await answered(answer);

    expect(response.status).toBe(502);
    expect(response.header('content-type')).toBe('application/problem+json');
    expect(response.header('x-error-source')).toBe('upstream');
    expect(JSON.parse(response.text())).toMatchObject({ code: 'upstream-unreachable', status: 502 });
    expect(response.raw).not.toMatch(/127\.0\.0\.1|v2|internal|UND_ERR|Error:/);
    expect(hop.records.at(-1)).toMatchObject({ code: 'upstream-unreachable' });
    upstream.script = echo;
    expect((await ask()).final[0]?.status).toBe(200);
  });

  it('PX-25, ER-08: interim answers and trailers end at our edge', async () => {
    const response = await answered({
      interim: 'HTTP/1.1 103 Early Hints\r\nLink: </evil>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n',
      headers: json,
      chunks: ['{', '}'],
      trailers: [
        ['X-Evil', '1'],
        ['Set-Cookie', 'evil=1'],
      ],
    });

    expect(response.status).toBe(200);
    expect(response.text()).toBe('{}');
    expect(response.trailers).toEqual([]);
    expect(response.raw).not.toMatch(/evil|103/i);
  });

  it('PX-25, ER-08: an interim answer that comes long before the answer ends at our edge too', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </evil>; rel=preload\r\n\r\n';
    const response = await answered({
      upgrade: (socket) => {
        socket.write(interim);
        // Two turns of the loop later: the interim answer has been read by then.
        setImmediate(() => setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')));
      },
    });

    expect(response.status).toBe(200);
    expect(response.text()).toBe('{}');
    expect(response.raw).not.toMatch(/evil|103/i);
  });

  it.each<readonly [string, Answer]>([
    ['204 with a body', { raw: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nevil!' }],
    ['304 with a body', { raw: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nevil!' }],
    [
      'an answer longer than it says',
      { raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nokevil!' },
    ],
  ])('PX-22: of %s nothing reaches this caller or the next', async (_case, answer) => {
    const response = await answered(answer);
    expect(response.raw).not.toContain('evil!');

    upstream.script = echo;
    const next = await ask('GET', '/api/orders/next');
    expect(JSON.parse(next.final[0]?.text() ?? '')).toMatchObject({ target: '/v2/internal/next' });
  });

  it('PX-22: the second of two answers is never given to another caller', async () => {
    const second = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nfor-alice';
    for (let round = 0; round < 20; round++) {
      upstream.script = ({ target }) => ({
        raw: `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${target.length}\r\n\r\n${target}${second}`,
      });
      const answers = await Promise.all(['/a', '/b', '/c'].map((path) => ask('GET', `/api/orders${path}`)));

      expect(answers.map(({ final }) => final[0]?.text())).toEqual([
        '/v2/internal/a',
        '/v2/internal/b',
        '/v2/internal/c',
      ]);
      for (const { text } of answers) expect(text).not.toContain('for-alice');
    }
  });

  it('PX-22: an answer that nobody asked for on an idle connection is never given to a caller', async () => {
    await answered({ headers: json, body: '{}' });
    const connections = upstream.connections;
    upstream.script = () => ({
      upgrade: (socket) => {
        socket.write(
          'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
        );
      },
    });
    expect((await ask()).final[0]?.text()).toBe('ok');
    upstream.script = echo;
    const next = await ask('GET', '/api/orders/next');

    expect(JSON.parse(next.final[0]?.text() ?? '')).toMatchObject({ target: '/v2/internal/next' });
    expect(upstream.connections).toBeGreaterThan(connections);
  });
});

describe('an answer that does not come, or not whole', () => {
  it('PX-29: an upstream that hangs is a 504', async () => {
    const response = await answered('hang');

    expect(response.status).toBe(504);
    expect(JSON.parse(response.text())).toMatchObject({ code: 'upstream-timeout' });
    await eventually(() => upstream.openSockets === 0);
  });

  it('PX-29: an upstream that is away is a 502, and one that comes back works', async () => {
    const away = await startUpstream();
    const { port } = away;
    await using lonely = await startHop(away.origin);
    await away.stop();
    const bytes = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const refused = await rawRequest(lonely.port, bytes, { responses: 1 });
    await using back = await startUpstream(echo, { port });
    const works = await rawRequest(lonely.port, bytes, { responses: 1 });

    expect([refused.final[0]?.status, works.final[0]?.status]).toEqual([502, 200]);
    expect(back.requests).toHaveLength(1);
  });

  it.each<readonly [string, Answer]>([
    [
      'fewer bytes than it said',
      {
        raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this',
        afterwards: 'close',
      },
    ],
    [
      'fewer bytes, and a reset',
      {
        raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this',
        afterwards: 'reset',
      },
    ],
    [
      'chunks without an end',
      {
        raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n',
        afterwards: 'close',
      },
    ],
    [
      'a chunk cut off',
      {
        raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nonly this',
        afterwards: 'close',
      },
    ],
    [
      'a chunk size that is none',
      {
        raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\nxyz\r\n',
      },
    ],
    [
      'silence in the middle',
      { raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this' },
    ],
  ])('PX-30: %s is never seen as a whole answer', async (_case, answer) => {
    upstream.script = () => answer;
    const { closed, responses } = await ask();
    const [response] = responses;

    // What is found out before anything left is refused whole.
    expect(closed || response?.status === 502).toBe(true);
    if (response?.status === 200) expect(response.complete).toBe(false);
    else expect([502, 504]).toContain(response?.status);
    expect(['upstream-unreachable', 'upstream-timeout']).toContain(hop.records.at(-1)?.code);
  });

  it('PX-30: the same answer, whole, is seen as whole', async () => {
    const whole = await answered({
      raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nonly this',
    });
    const chunked = await answered({ headers: [['Content-Type', 'text/plain']], chunks: ['only ', 'this'] });
    const untilClose = await answered({
      raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nonly this',
      afterwards: 'close',
    });

    for (const response of [whole, chunked, untilClose]) {
      expect(response).toMatchObject({ status: 200, complete: true });
      expect(response.text()).toBe('only this');
    }
  });

  it.each([
    ['HEAD', { headers: [...json, ['Content-Length', '12']] }, 200, '12'],
    [
      'GET',
      {
        status: 304,
        headers: [
          ['ETag', '"1"'],
          ['Content-Length', '12'],
        ],
      },
      304,
      '12',
    ],
    ['GET', { status: 204 }, 204, undefined],
    ['POST', { status: 201, headers: json, body: '{}' }, 201, '2'],
  ] as const)('PX-30: %s with %j is right', async (method, answer, status, length) => {
    const response = await answered(answer as Answer, method);

    expect(response).toMatchObject({ status, complete: true });
    expect(response.header('content-length')).toBe(length);
    expect(response.header('transfer-encoding')).toBeUndefined();
  });

  it('PX-18, PX-19: a 401 of the upstream arrives without its challenge, as its own answer', async () => {
    const response = await answered({
      status: 401,
      headers: [...json, ['WWW-Authenticate', 'Basic realm="x"']],
      body: '{"error":1}',
    });

    expect(response.status).toBe(401);
    expect(response.header('www-authenticate')).toBeUndefined();
    expect(response.header('x-error-source')).toBeUndefined();
    expect(response.text()).toBe('{"error":1}');
  });
});
