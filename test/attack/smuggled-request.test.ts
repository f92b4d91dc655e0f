/**
 * Attack: a request whose end two servers see in different places, so that what
 * follows becomes a request nobody guarded (request smuggling).
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Hop, startHop } from '../support/hop.ts';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let hop: Hop;

beforeAll(async () => {
  upstream = await startUpstream();
  hop = await startHop(upstream.origin, { limits: { connections: 1 } });
});

afterAll(async () => {
  await hop.close();
  await upstream.stop();
});

beforeEach(() => upstream.forget());

const hidden = 'GET /api/hidden HTTP/1.1\r\nHost: localhost\r\nX-Hidden: 1\r\n\r\n';
const post = (lines: string, body = '') => `POST /api/orders HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${body}`;
const get = (lines: string) => `GET /api/orders HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;

/** The next caller, on the connection to the upstream that the attack went over. */
async function expectVictimUnharmed(): Promise<void> {
  const victim = await rawRequest(hop.port, 'GET /api/victim HTTP/1.1\r\nHost: localhost\r\n\r\n', { responses: 1 });

  expect(victim.final[0]?.status).toBe(200);
  expect(JSON.parse(victim.final[0]?.text() ?? '')).toMatchObject({ method: 'GET', target: '/victim', body: '' });
}

describe('a request with two ends', () => {
  it.each([
    ['a length and chunks', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\nX${hidden}`)],
    ['chunks and a length', post('Transfer-Encoding: chunked\r\nContent-Length: 6\r\n', `0\r\n\r\nX${hidden}`)],
    ['two lengths', post('Content-Length: 0\r\nContent-Length: 5\r\n', `abcde${hidden}`)],
    ['the same length twice', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc')],
    ['a list of lengths', post('Content-Length: 3, 3\r\n', 'abc')],
    ['a signed length', post('Content-Length: +3\r\n', 'abc')],
    ['a negative length', post('Content-Length: -3\r\n', 'abc')],
    ['a hexadecimal length', post('Content-Length: 0x3\r\n', 'abc')],
    ['a length with a decimal point', post('Content-Length: 3.0\r\n', 'abc')],
    ['a length with a letter', post('Content-Length: 3a\r\n', 'abc')],
    ['a length with a space inside', post('Content-Length: 1 3\r\n', 'abc')],
    ['an empty length', post('Content-Length: \r\n', hidden)],
    ['a length beyond every number', post('Content-Length: 99999999999999999999999\r\n', 'abc')],
    ['a length with a space before the colon', post('Content-Length : 3\r\n', 'abc')],
    ['a coding with a space before the colon', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${hidden}`)],
    ['a folded coding', post('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${hidden}`)],
    ['a folded header', post('X-Any: a\r\n b\r\nContent-Length: 3\r\n', 'abc')],
    ['a folded header with a tab', post('X-Any: a\r\n\tb\r\nContent-Length: 3\r\n', 'abc')],
    ['a first line that begins with a space', post(' X: 1\r\nContent-Length: 3\r\n', 'abc')],
    ['an unknown coding', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${hidden}`)],
    ['gzip before chunked', post('Transfer-Encoding: gzip, chunked\r\n', '3\r\nabc\r\n0\r\n\r\n')],
    ['chunked before gzip', post('Transfer-Encoding: chunked, gzip\r\n', `0\r\n\r\n${hidden}`)],
    ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '3\r\nabc\r\n0\r\n\r\n')],
    ['two codings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', `0\r\n\r\n${hidden}`)],
    [
      'two codings that are the same',
      post('Transfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
    ],
    ['identity', post('Transfer-Encoding: identity\r\n', hidden)],
    ['a quoted coding', post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${hidden}`)],
    ['a coding with a parameter', post('Transfer-Encoding: chunked;q=1\r\n', `0\r\n\r\n${hidden}`)],
    ['a coding behind a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${hidden}`)],
    ['a coding before a tab', post('Transfer-Encoding: chunked\t\r\n', `0\r\n\r\n${hidden}`)],
    ['a coding before a NUL', post('Transfer-Encoding: chunked\0\r\n', `0\r\n\r\n${hidden}`)],
    ['an empty coding', post('Transfer-Encoding: \r\n', `0\r\n\r\n${hidden}`)],
    ['a coding behind a bare carriage return', post('X-Any: a\rTransfer-Encoding: chunked\r\n', `0\r\n\r\n${hidden}`)],
    ['a coding with an underscore', post('Transfer_Encoding: chunked\r\nContent-Length: 3\r\n', 'abc')],
    [
      'chunks of an HTTP/1.0 client',
      'POST /api/orders HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a chunk size with a sign', post('Transfer-Encoding: chunked\r\n', `+3\r\nabc\r\n0\r\n\r\n`)],
    ['a chunk size with 0x', post('Transfer-Encoding: chunked\r\n', `0x3\r\nabc\r\n0\r\n\r\n`)],
    ['a chunk size with a space in front', post('Transfer-Encoding: chunked\r\n', ` 3\r\nabc\r\n0\r\n\r\n`)],
    ['a chunk size with an underscore', post('Transfer-Encoding: chunked\r\n', `1_0\r\nabc\r\n0\r\n\r\n`)],
    ['a chunk size that overflows', post('Transfer-Encoding: chunked\r\n', `fffffffffffffffff3\r\nabc\r\n0\r\n\r\n`)],
    ['a negative chunk size', post('Transfer-Encoding: chunked\r\n', `-1\r\nabc\r\n0\r\n\r\n`)],
    ['a chunk that ends in a bare line feed', post('Transfer-Encoding: chunked\r\n', `3\nabc\n0\n\n`)],
    ['a chunk longer than its size', post('Transfer-Encoding: chunked\r\n', `3\r\nabcde\r\n0\r\n\r\n`)],
    ['a chunk without its end of line', post('Transfer-Encoding: chunked\r\n', `3\r\nabc0\r\n\r\n`)],
    ['a chunk extension with a bare line feed', post('Transfer-Encoding: chunked\r\n', `3;a\nb\r\nabc\r\n0\r\n\r\n`)],
    ['a body with GET', `${get('Content-Length: 3\r\n')}abc`],
    ['a hidden request as the body of GET', `${get(`Content-Length: ${hidden.length}\r\n`)}${hidden}`],
    [
      'chunks with GET',
      `${get('Transfer-Encoding: chunked\r\n')}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    ],
    ['a body with HEAD', 'HEAD /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc'],
    ['a bare line feed after the request line', 'POST /api/orders HTTP/1.1\nHost: localhost\nContent-Length: 3\n\nabc'],
    ['a bare line feed inside the header', post('X-Any: a\nContent-Length: 3\r\n', 'abc')],
    ['a header without a colon', post('X-Any\r\nContent-Length: 3\r\n', 'abc')],
    ['a header without a name', post(': x\r\nContent-Length: 3\r\n', 'abc')],
    ['a header name with a space', post('X Any: a\r\nContent-Length: 3\r\n', 'abc')],
    ['a header name with a control character', post('X\x01Any: a\r\nContent-Length: 3\r\n', 'abc')],
    ['a value with a NUL', post('X-Any: a\0b\r\nContent-Length: 3\r\n', 'abc')],
    ['a value with a control character', post('X-Any: a\x01b\r\nContent-Length: 3\r\n', 'abc')],
    ['no Host', 'GET /api/orders HTTP/1.1\r\n\r\n'],
    ['an empty Host', 'GET /api/orders HTTP/1.1\r\nHost:\r\n\r\n'],
    ['two Hosts', 'GET /api/orders HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n'],
    ['two Hosts, ours last', 'GET /api/orders HTTP/1.1\r\nhost: evil.test\r\nHost: localhost\r\n\r\n'],
    ['a Host that is a list', 'GET /api/orders HTTP/1.1\r\nHost: localhost, evil.test\r\n\r\n'],
    ['a Host with userinfo', 'GET /api/orders HTTP/1.1\r\nHost: localhost@evil.test\r\n\r\n'],
    ['a Host with a path', 'GET /api/orders HTTP/1.1\r\nHost: localhost/x\r\n\r\n'],
    ['no version', 'GET /api/orders\r\nHost: localhost\r\n\r\n'],
    ['a version that is not known', 'GET /api/orders HTTP/3.1\r\nHost: localhost\r\n\r\n'],
    ['a version with two digits', 'GET /api/orders HTTP/1.10\r\nHost: localhost\r\n\r\n'],
    ['a version in lower case', 'GET /api/orders http/1.1\r\nHost: localhost\r\n\r\n'],
    ['a target with a space', 'GET /api/or ders HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['an Authorization twice', get('Authorization: a\r\nAuthorization: b\r\n')],
    ['an Origin twice', get('Origin: http://localhost\r\nOrigin: http://evil.test\r\n')],
    ['a Content-Type twice', post('Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 3\r\n', 'abc')],
    ['two Cookie headers', get('Cookie: claimcheck=a\r\nCookie: claimcheck=b\r\n')],
  ])('PX-22, PX-23, PX-24: with %s is refused, and the next caller is not harmed', async (_case, bytes) => {
    const { final } = await rawRequest(hop.port, bytes, { quietMs: 60 });

    expect(final.length).toBeGreaterThan(0);
    for (const { status } of final) expect([400, 413, 505]).toContain(status);
    expect(upstream.requests).toHaveLength(0);
    await expectVictimUnharmed();
    expect(upstream.requests.map(({ target }) => target)).toEqual(['/victim']);
  });

  it.each([
    ['a length', post('Content-Length: 3\r\n', 'abc'), 'abc'],
    ['a length with zeros', post('Content-Length: 003\r\n', 'abc'), 'abc'],
    ['chunks', post('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'), 'abc'],
    ['chunks in capitals', post('Transfer-Encoding: Chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'), 'abc'],
    ['a chunk extension', post('Transfer-Encoding: chunked\r\n', '3;x=y\r\nabc\r\n0\r\n\r\n'), 'abc'],
    [
      'a chunk size in capitals with zeros',
      post('Transfer-Encoding: chunked\r\n', '00A\r\nabcdefghij\r\n0\r\n\r\n'),
      'abcdefghij',
    ],
    ['a hidden request as its body', post(`Content-Length: ${hidden.length}\r\n`, hidden), hidden],
    [
      'a hidden request in a chunk',
      post('Transfer-Encoding: chunked\r\n', `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`),
      hidden,
    ],
    ['no length at all', post(''), ''],
    ['a space too many in the request line', post('').replace(' HTTP', '  HTTP'), ''],
    ['HTTP/1.0', post('Content-Length: 3\r\n', 'abc').replace('/1.1', '/1.0'), 'abc'],
  ])('PX-22: with %s is one request', async (_case, bytes, body) => {
    const { final } = await rawRequest(hop.port, bytes, { responses: 1 });

    expect(final.map(({ status }) => status)).toEqual([200]);
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.last.text()).toBe(body);
    expect(upstream.faults).toEqual([]);
    await expectVictimUnharmed();
  });

  it('PX-22: pipelined requests are answered one by one, in their order', async () => {
    const { final } = await rawRequest(
      hop.port,
      get('X-No: 1\r\n').replace('orders', 'one') + post('Content-Length: 3\r\n', 'abc') + hidden,
      {
        responses: 3,
      },
    );

    expect(final.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(final.map((answer) => JSON.parse(answer.text()).target)).toEqual(['/one', '/orders', '/hidden']);
  });
});

describe('a method that is none', () => {
  it.each(['TRACE', 'CONNECT', 'PROPFIND', 'SEARCH', 'PURGE', 'LINK', 'QUERY'])(
    'PX-27, PX-05: %s is refused, and nothing is echoed',
    async (method) => {
      const { final, text } = await rawRequest(
        hop.port,
        `${method} /api/orders HTTP/1.1\r\nHost: localhost\r\nX-Canary: canary-7\r\n\r\n`,
        {
          methods: ['GET'],
          quietMs: 60,
        },
      );

      expect(final[0]?.status).toBe(501);
      expect(text).not.toContain('canary-7');
      expect(upstream.bytes).toHaveLength(0);
    },
  );

  it.each(['get', 'Get', 'FOO', 'GET\x01', 'G ET'])('PX-05: "%s" is refused', async (method) => {
    const { final } = await rawRequest(hop.port, `${method} /api/orders HTTP/1.1\r\nHost: localhost\r\n\r\n`, {
      methods: ['GET'],
      quietMs: 60,
    });

    expect([400, 501]).toContain(final[0]?.status);
    expect(upstream.bytes).toHaveLength(0);
  });

  it('PX-03, PX-27: CONNECT with a body leaves nothing behind on any connection', async () => {
    const { final } = await rawRequest(
      hop.port,
      `CONNECT evil.test:443 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc${hidden}`,
      {
        methods: ['GET'],
        quietMs: 60,
      },
    );

    expect(final.map(({ status }) => status)).toEqual([501]);
    expect(upstream.bytes).toHaveLength(0);
    await expectVictimUnharmed();
  });

  it('PX-28: headers of more than 16 KiB are 431, more than 128 of them too', async () => {
    const large = await rawRequest(hop.port, get(`X-Any: ${'a'.repeat(17_000)}\r\n`), { quietMs: 60 });
    const many = await rawRequest(hop.port, get('X-Any: a\r\n'.repeat(128)), { quietMs: 60 });
    const fine = await rawRequest(hop.port, get('X-Any: a\r\n'.repeat(120)), { responses: 1 });

    expect([large.final[0]?.status, many.final[0]?.status, fine.final[0]?.status]).toEqual([431, 431, 200]);
  });
});

describe('a session cookie that stands there twice', () => {
  it.each([
    'claimcheck=good; claimcheck=evil',
    'claimcheck=evil; claimcheck=good',
    'claimcheck=good; a=1; claimcheck=good',
    'claimcheck=; claimcheck=good',
    'claimcheck=good;claimcheck',
  ])('CK-06: "%s"', async (cookie) => {
    const { final } = await rawRequest(hop.port, get(`Cookie: ${cookie}\r\n`), { responses: 1 });
    const isTwice = cookie.split('claimcheck=').length > 2;

    expect(final[0]?.status).toBe(isTwice ? 400 : 200);
    if (isTwice) expect(upstream.bytes).toHaveLength(0);
    if (isTwice) expect(hop.refusals.at(-1)?.detail).toBe('repeated-cookie');
  });

  it.each(['Claimcheck=evil', 'CLAIMCHECK=evil', '__Host-Http-claimcheck=evil', 'claimcheck2=evil'])(
    'CK-06: once, beside "%s"',
    async (other) => {
      const { final } = await rawRequest(hop.port, get(`Cookie: ${other}; claimcheck=good\r\n`), { responses: 1 });

      expect(final[0]?.status).toBe(200);
      expect(hop.requests.at(-1)?.sessionCookie).toBe('good');
    },
  );
});
