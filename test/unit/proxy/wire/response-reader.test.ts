/**
 * Answers of upstreams, byte by byte: what is read, what is refused, and that
 * nothing depends on how the bytes were cut.
 *
 * @module
 */

import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResponseHead } from '../../../../src/proxy/wire/response-head.ts';
import { ResponseReader } from '../../../../src/proxy/wire/response-reader.ts';

interface Seen {
  readonly heads: ResponseHead[];
  body: string;
  begun: number;
  ended: number;
  excess: number;
  fault: string | undefined;
}

interface Way {
  readonly method?: string;
  /** Where the bytes are cut; in one piece without. */
  readonly cuts?: readonly number[];
  /** Whether it is paused at each head and each piece of data, and goes on behind it. */
  readonly pauses?: boolean;
  readonly closes?: boolean;
}

/** What comes of `bytes`, sent as the answer to one request. */
function read(bytes: string, { method = 'GET', cuts = [], pauses = false, closes = true }: Way = {}): Seen {
  const seen: Seen = { heads: [], body: '', begun: 0, ended: 0, excess: 0, fault: undefined };
  const hold = () => {
    if (pauses) reader.pause();
  };
  const reader = new ResponseReader(
    {
      onBegin: () => (seen.begun += 1),
      onHead(head) {
        seen.heads.push(head);
        hold();
      },
      onData(chunk) {
        seen.body += chunk.toString('latin1');
        hold();
        return true;
      },
      onEnd: () => (seen.ended += 1),
      onExcess() {
        seen.excess += 1;
        reader.stop();
      },
    },
    { maxHeadBytes: 1_024 },
  );
  reader.expect(method);
  const all = Buffer.from(bytes, 'latin1');
  const places = [0, ...[...cuts].map((cut) => cut % (all.length + 1)).sort((one, other) => one - other), all.length];
  try {
    for (let at = 0; at + 1 < places.length; at++) {
      // One buffer for all reads, as on the wire: nothing of it may be kept.
      const shared = Buffer.from(all.subarray(places[at], places[at + 1]));
      reader.take(shared);
      shared.fill('#');
      for (let turn = 0; pauses && turn < 200; turn++) reader.resume();
    }
    if (closes) reader.end();
  } catch (error) {
    seen.fault = (error as { code?: string }).code ?? String(error);
  }
  return seen;
}

const ok = 'HTTP/1.1 200 OK\r\n';
const good: readonly (readonly [string, string, Way?])[] = [
  [`${ok}Content-Length: 5\r\n\r\nhello`, 'hello'],
  [`${ok}content-length:5\r\n\r\nhello`, 'hello'],
  ['HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', ''],
  ['HTTP/1.1 200 \xe9t\xe9 \t!\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  [`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'hello'],
  [`${ok}Transfer-Encoding: Chunked\r\n\r\n3;a=b\r\nhel\r\n02\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n`, 'hello'],
  [`${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'hello'],
  [`${ok}\r\nuntil the end`, 'until the end'],
  ['HTTP/1.0 200 OK\r\n\r\nold', 'old'],
  [`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`, 'ok'],
  ['HTTP/1.1 204 No Content\r\n\r\n', ''],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ''],
  [`${ok}Content-Length: 5\r\n\r\n`, '', { method: 'HEAD' }],
];

describe('an answer', () => {
  it.each(good.map(([bytes, body, way]) => ({ bytes, body, way })))(
    'PX-30: is read as it is: $bytes',
    ({ bytes, body, way = {} }) => {
      expect(read(bytes, way)).toMatchObject({ body, begun: 1, ended: 1, excess: 0, fault: undefined });
    },
  );

  it('PX-30: is the same however it was cut, and however often it was paused', () => {
    const cases = fc.constantFrom(...good);
    fc.assert(
      fc.property(cases, fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), ([bytes, , way], cuts, pauses) => {
        expect(read(bytes, { ...way, cuts, pauses })).toEqual(read(bytes, way));
      }),
      { numRuns: 1_000 },
    );
  });

  it('tells names in lower case, and what is there twice as a list', () => {
    const [head] = read(
      `${ok}ETag: "1"\r\nSet-Cookie: a=1\r\nset-cookie: \t b=2 \t\r\n__proto__: x\r\nX-Empty:\r\n\r\n`,
    ).heads;
    expect(head).toEqual({
      status: 200,
      headers: { etag: '"1"', 'set-cookie': ['a=1', 'b=2'], 'x-empty': '' },
      bodyEnd: 'close',
      isReusable: false,
    });
    expect(Object.getPrototypeOf(head?.headers)).toBe(Object.prototype);
  });

  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: Keep-Alive\r\n', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: x, CLOSE\r\n', false],
    ['HTTP/1.1', 'Connection: x\r\nConnection: close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
  ])('PX-14: of %s with %j is followed by another on the connection: %s', (version, line, isReusable) => {
    expect(read(`${version} 200 OK\r\n${line}Content-Length: 0\r\n\r\n`).heads[0]?.isReusable).toBe(isReusable);
  });
});

describe('what is no answer', () => {
  const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
  it.each([
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.2 200 OK\r\n\r\n',
    'http/1.1 200 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 200OK\r\n\r\n',
    '\r\nHTTP/1.1 200 OK\r\n\r\n',
    'SSH-2.0-x\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    'HTTP/1.1 200 O\x00K\r\n\r\n',
    `${ok}X: a\x01b\r\n\r\n`,
    `${ok}X: a\x7fb\r\n\r\n`,
    `${ok}X: a\rb\r\n\r\n`,
    `${ok}X: a\nY: b\r\n\r\n`,
    `${ok}X: a\r\n folded\r\n\r\n`,
    `${ok}X : a\r\n\r\n`,
    `${ok}: a\r\n\r\n`,
    `${ok}no colon\r\n\r\n`,
    `${ok}X\xe9: a\r\n\r\n`,
    `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    `${ok}Content-Length: 5, 5\r\n\r\nhello`,
    `${ok}Content-Length: +5\r\n\r\nhello`,
    `${ok}Content-Length: 0x5\r\n\r\nhello`,
    `${ok}Content-Length: -1\r\n\r\n`,
    `${ok}Content-Length:\r\n\r\n`,
    `${ok}Content-Length: 9999999999999999\r\n\r\n`,
    `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    `${ok}Transfer-Encoding: identity\r\n\r\n`,
    `${ok}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`,
    `${ok}transfer-encoding: chunked\r\nTransfer-Encoding: chunked \t \r\n\r\n0\r\n\r\n`,
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: x\r\n\r\n',
    `${chunked}5\nhello\r\n0\r\n\r\n`,
    `${chunked}5\r\nhello\n0\r\n\r\n`,
    `${chunked}5\r\nhellox\r\n0\r\n\r\n`,
    `${chunked}5\r\nhello0\r\n\r\n`,
    `${chunked}-5\r\nhello\r\n0\r\n\r\n`,
    `${chunked}0x5\r\nhello\r\n0\r\n\r\n`,
    `${chunked}\r\nhello\r\n0\r\n\r\n`,
    `${chunked}5 5\r\nhello\r\n0\r\n\r\n`,
    `${chunked}5 \r\nhello\r\n0\r\n\r\n`,
    `${chunked}0\r\nContent-Length: 5\r\n\r\n`,
    `${chunked}0\r\nno colon\r\n\r\n`,
    `HTTP/1.0 103 x\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
    `${chunked}5;\x01\r\nhello\r\n0\r\n\r\n`,
    `${chunked}fffffffffffffffff\r\nhello\r\n0\r\n\r\n`,
    `${chunked}5;${'x'.repeat(5_000)}\r\nhello\r\n0\r\n\r\n`,
    `${'HTTP/1.1 103 x\r\n\r\n'.repeat(33)}${ok}Content-Length: 0\r\n\r\n`,
  ])('PX-30: is refused: %j', (bytes) => {
    expect(read(bytes)).toMatchObject({ ended: 0, fault: 'WIRE_invalid' });
    const cuts = Array.from(bytes.slice(0, 300), (_byte, at) => at);
    expect(read(bytes, { cuts })).toMatchObject({ ended: 0, fault: 'WIRE_invalid' });
  });

  it.each([
    `${ok}X: ${'x'.repeat(1_100)}\r\n\r\n`,
    `${ok}X: ${'x'.repeat(1_100)}`,
    `${chunked}0\r\n${'X: 1\r\n'.repeat(300)}\r\n`,
  ])('PX-29: is refused when its head or its trailers do not end', (bytes) => {
    expect(read(bytes)).toMatchObject({ ended: 0, fault: 'WIRE_head-too-large' });
  });

  it.each([
    ok,
    `${ok}Content-Length: 5\r\n\r\nhell`,
    `${chunked}5\r\nhello\r\n`,
    `${chunked}5\r\nhello\r\n0\r\n`,
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    '',
  ])('PX-30: is never taken for a whole one when the connection ends: %j', (bytes) => {
    expect(read(bytes)).toMatchObject({ ended: 0, fault: 'WIRE_closed' });
  });

  it.each([`${ok}Content-Length: 2\r\n\r\nok`, `${chunked}0\r\n\r\n`, 'HTTP/1.1 204 x\r\n\r\n'])(
    'PX-30, PX-14: is what comes behind a whole one: %j',
    (bytes) => {
      for (const more of ['\r\n', 'x', `${ok}Content-Length: 4\r\n\r\nevil`]) {
        expect(read(bytes + more)).toMatchObject({ ended: 1, excess: 1, heads: [expect.anything()] });
      }
      expect(read(bytes)).toMatchObject({ ended: 1, excess: 0 });
    },
  );
});

interface Read {
  readonly status: number;
  readonly body: string;
}

/** What Node's own client makes of answers, each on a connection of its own that ends behind it; `undefined`: it refuses it. */
async function withNode<Result>(
  work: (ask: (bytes: string) => Promise<Read | undefined>) => Promise<Result>,
): Promise<Result> {
  let answer = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(Buffer.from(answer, 'latin1')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (bytes: string) => {
    answer = bytes;
    return new Promise<Read | undefined>((resolve) => {
      const take = (message: IncomingMessage) => {
        let body = '';
        message.setEncoding('latin1').on('data', (text: string) => (body += text));
        message.on('end', () => resolve(message.complete ? { status: message.statusCode ?? 0, body } : undefined));
        message.on('error', () => resolve(undefined)).on('aborted', () => resolve(undefined));
      };
      get({ port, host: '127.0.0.1', agent: false }, take).on('error', () => resolve(undefined));
    });
  };
  try {
    return await work(ask);
  } finally {
    server.close();
  }
}

describe('an answer that was tampered with', () => {
  it('PX-30: is read as Node reads it, or refused', { timeout: 60_000 }, async () => {
    const pieces = [
      '\r\n',
      '\n',
      '\r',
      ' ',
      ':',
      ';',
      ',',
      '0',
      '5',
      'x',
      '\x00',
      'Content-Length: 3\r\n',
      'chunked',
      '\t',
    ];
    const change = fc.tuple(fc.nat(200), fc.nat(3), fc.constantFrom('', ...pieces));
    let [both, ours] = [0, 0];
    await withNode((ask) =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...good.filter(([, , way]) => way === undefined)),
          fc.array(change, { maxLength: 3 }),
          async ([bytes], changes) => {
            let text = bytes;
            for (const [place, length, piece] of changes) {
              const at = place % (text.length + 1);
              text = text.slice(0, at) + piece + text.slice(at + length);
            }
            const seen = read(text);
            if (seen.ended === 0 || seen.excess > 0) return;
            ours += 1;
            const theirs = await ask(text);
            // Node reads what is behind an answer with a length as nothing of its affair, and so does it with less than we refuse.
            expect(theirs).toEqual({ status: seen.heads.at(-1)?.status, body: seen.body });
            both += 1;
          },
        ),
        { numRuns: 1_500 },
      ),
    );
    expect(both).toBe(ours);
    expect(ours).toBeGreaterThan(100);
  });
});

describe('whether what was taken may be read over', () => {
  const nothing = {
    onBegin: () => undefined,
    onHead: () => undefined,
    onEnd: () => undefined,
    onExcess: () => undefined,
  };
  const twoChunks = `${ok}Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n`;

  it.each([
    ['both are done with', '', true],
    ['the first is kept', 'one', false],
    ['the last is kept', 'two', false],
  ])('PX-22: two chunks in one read of which %s: %s %s', (_what, kept, isDone) => {
    const reader = new ResponseReader(
      { ...nothing, onData: (chunk) => chunk.toString() !== kept },
      { maxHeadBytes: 1_024 },
    );
    reader.expect('GET');

    expect(reader.take(Buffer.from(twoChunks))).toBe(isDone);
    expect(reader.take(Buffer.from('3\r\nend\r\n'))).toBe(true);
  });
});
