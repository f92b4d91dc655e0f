/**
 * Random bodies through the hop, many behind one another on each connection: what
 * arrives is what was sent, byte for byte, and so is what comes back.
 *
 * @module
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Hop, startHop } from '../support/hop.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { fuzzing } from './seed.ts';
import { Wires } from './wire.ts';

const batch = 50;

let upstream: Upstream;
let hop: Hop;
let wires: Wires;

beforeAll(async () => {
  upstream = await startUpstream(({ body }) => ({ headers: [['Content-Type', 'application/octet-stream']], body }));
  hop = await startHop(upstream.origin);
  wires = new Wires(hop.port, 8);
});

afterAll(async () => {
  wires.close();
  await hop.close();
  await upstream.stop();
});

/** What a reader of forms, JSON or chunks would stumble over. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      '\r\n',
      '\r\n\r\n',
      '0\r\n\r\n',
      '--b\r\n',
      '--b--',
      '{"a":1,"a":2}',
      '1e1000',
      '%0d%0a',
      'a=b&a=c',
      '\0',
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom('GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n', '\xff\xfe', '\x1f\x8b')
    .map((text) => Buffer.from(text, 'latin1')),
);
const sent = fc.record({
  pieces: fc.array(piece, { minLength: 1, maxLength: 6 }),
  isChunked: fc.boolean(),
  type: fc.constantFrom(
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    'text/plain',
  ),
});

function framed(pieces: readonly Buffer[], isChunked: boolean): Buffer {
  const body = Buffer.concat(pieces);
  if (!isChunked) return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
  const chunks = pieces
    .filter(({ length }) => length > 0)
    .flatMap((each) => [Buffer.from(`${each.length.toString(16)}\r\n`), each, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from('Transfer-Encoding: chunked\r\n\r\n'), ...chunks, Buffer.from('0\r\n\r\n')]);
}

it('PX-30, PX-22: ten thousand bodies arrive as they were sent, each at its own request', async () => {
  let count = 0;
  const property = fc.asyncProperty(fc.array(sent, { minLength: batch, maxLength: batch }), async (given) => {
    upstream.forget();
    const answers = await wires.each([...given.entries()], async (wire, [at, { pieces, isChunked, type }]) => {
      const head = `POST /api/${at} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\n`;
      const answer = await wire.ask(Buffer.concat([Buffer.from(head), framed(pieces, isChunked)]), { method: 'POST' });
      return answer === 'closed' ? undefined : answer;
    });
    const arrived = new Map(upstream.requests.map(({ target, body }) => [target, body]));
    expect(arrived.size).toBe(given.length);
    for (const [at, { pieces }] of given.entries()) {
      const body = Buffer.concat(pieces);
      expect([answers[at]?.status, answers[at]?.body.equals(body), arrived.get(`/${at}`)?.equals(body)]).toEqual([
        200,
        true,
        true,
      ]);
      count++;
    }
  });
  await fc.assert(property, fuzzing('bodies', { numRuns: 200 }));

  expect(count).toBeGreaterThanOrEqual(10_000);
}, 180_000);
