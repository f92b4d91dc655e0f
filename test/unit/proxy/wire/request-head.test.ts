/**
 * The head of a request to an upstream: what is written, and that nothing in it can become a line of its own.
 *
 * @module
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestHead } from '../../../../src/proxy/wire/request-head.ts';

const plain = { method: 'GET', path: '/orders', host: 'orders.test', headers: [], isChunked: false };
const lines = 'GET /orders HTTP/1.1\r\nhost: orders.test\r\nconnection: keep-alive\r\n';

describe('a head', () => {
  it('PX-30: is written line by line, usual names and others alike', () => {
    const headers = ['accept', 'application/json', 'x-tenant', 'a', 'authorization', 'Bearer t', 'etag', ''];
    expect(requestHead({ ...plain, headers })).toBe(
      `${lines}accept: application/json\r\nx-tenant: a\r\nauthorization: Bearer t\r\netag: \r\n\r\n`,
    );
    expect(requestHead(plain)).toBe(`${lines}\r\n`);
    expect(requestHead({ ...plain, isChunked: true })).toBe(`${lines}transfer-encoding: chunked\r\n\r\n`);
  });

  it('PX-30: has the lines that it was given, whatever stands in them, or is not written', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a\r\nX: 1', 'a\n', '\r', '\0', 'é', '\u{1F600}'),
    );
    const name = fc.oneof(fc.constantFrom('accept', 'x-tenant', 'x y', 'x:', '', 'x\r\ny', '__proto__', 'ä'), text);
    let written = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 4 }), (fields) => {
        let head: string;
        try {
          head = requestHead({ ...plain, headers: fields.flat() });
        } catch (error) {
          expect(error).toMatchObject({ code: 'WIRE_unwritable' });
          return;
        }
        written += 1;
        const bytes = Buffer.from(head, 'latin1').toString('latin1');
        expect(bytes.split(/\r\n|\r|\n|\0/).slice(3)).toEqual([
          ...fields.map(([key, value]) => `${key}: ${value}`),
          '',
          '',
        ]);
        for (const [key] of fields) expect(key).toMatch(/^[\w!#$%&'*+.^`|~-]+$/);
      }),
      { numRuns: 3_000 },
    );
    expect(written).toBeGreaterThan(50);
  });

  it.each([
    ['a line end in a usual header', { headers: ['accept', 'a\r\nx: 1'] }],
    ['a bare line feed', { headers: ['x-tenant', 'a\nx: 1'] }],
    ['a bare carriage return', { headers: ['x-tenant', 'a\rx: 1'] }],
    ['a NUL', { headers: ['x-tenant', 'a\0'] }],
    ['a character of more than a byte', { headers: ['x-tenant', '\u010a'] }],
    ['a name with a space', { headers: ['x tenant', 'a'] }],
    ['a name with a line end', { headers: ['x\r\ny', 'a'] }],
    ['no name', { headers: ['', 'a'] }],
    ['a path with a space', { path: '/a HTTP/1.1' }],
    ['a path with a line end', { path: '/a\r\nx: 1' }],
    ['a path that does not begin with a slash', { path: 'a' }],
    ['a method with a space', { method: 'GET /' }],
    ['no method', { method: '' }],
  ])('PX-30: is not written with %s', (_what, change) => {
    expect(() => requestHead({ ...plain, ...change })).toThrow(expect.objectContaining({ code: 'WIRE_unwritable' }));
  });
});
