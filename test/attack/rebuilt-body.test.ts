/**
 * Attack: bodies that mean something else once they were read and written again
 * (flaws 2F). We never read one: what arrives is what was sent.
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
  upstream = await startUpstream(({ body }) => ({ headers: [['Content-Type', 'application/octet-stream']], body }));
  hop = await startHop(upstream.origin);
});

afterAll(async () => {
  await hop.close();
  await upstream.stop();
});

beforeEach(() => upstream.forget());

const form = 'application/x-www-form-urlencoded';
const multipart = 'multipart/form-data; boundary=b';
const bodies: readonly (readonly [what: string, type: string, body: string])[] = [
  ['a key that is there twice', 'application/json', '{"a":1,"a":2}'],
  ['a number beyond every number', 'application/json', '{"a":1e1000,"b":-0,"c":1.0,"d":12345678901234567890}'],
  ['a prototype', 'application/json', '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}'],
  ['comments and trailing commas', 'application/json', '{/* x */"a":1,}'],
  ['a half of a surrogate pair', 'application/json', '{"a":"\\ud800"}'],
  ['a byte order mark', 'application/json; charset=utf-16', '\xff\xfe{\0"\0a\0"\0:\x001\0}\0'],
  ['spaces', 'application/json', ' { "a" :\t1 }\r\n'],
  ['line breaks of another part', form, 'a=%0d%0a--b%0d%0aContent-Disposition:%20form-data&b=\r\n--b'],
  ['brackets', form, 'a[]=1&a[b]=2&a=3&%61=4&a;b&&=&+=%20'],
  [
    'a field with line breaks in its name',
    multipart,
    '--b\r\nContent-Disposition: form-data; name="x\r\ny"\r\n\r\nv\r\n--b--\r\n',
  ],
  [
    'a file name in two forms',
    multipart,
    "--b\r\nContent-Disposition: form-data; name=f; filename=a; filename*=utf-8''b\r\n\r\n\r\n--b--",
  ],
  ['words before and after the parts', multipart, 'before\r\n--b\r\n\r\nx\r\n--b--\r\nafter'],
  ['a request', 'message/http', 'GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['the end of chunks', 'text/plain', '0\r\n\r\nGET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['something else than its type says', 'application/json', '<a>\0\x01\x80\xff</a>'],
  ['packed bytes that are none', 'application/json\r\nContent-Encoding: gzip', '\x1f\x8b\x08garbage'],
];

const ask = (type: string, framed: string) =>
  rawRequest(
    hop.port,
    Buffer.from(`POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\n${framed}`, 'latin1'),
    { responses: 1, methods: ['POST'] },
  );

describe('a body', () => {
  it.each(bodies)(
    'PX-30, PX-22: with %s arrives as it was sent, with a length and in chunks',
    async (_what, type, body) => {
      const pieces = [...body.matchAll(/[\s\S]{1,7}/g)].map(([piece]) => piece);
      const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
      for (const framed of [
        `Content-Length: ${body.length}\r\n\r\n${body}`,
        `Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
      ]) {
        const { final } = await ask(type, framed);

        expect(final[0]?.status).toBe(200);
        expect(upstream.last.body.toString('latin1')).toBe(body);
        expect(upstream.last.header('content-type')).toBe(type.split('\r\n')[0]);
        expect(final[0]?.body.toString('latin1')).toBe(body);
      }
      expect(upstream.requests).toHaveLength(2);
    },
  );
});
