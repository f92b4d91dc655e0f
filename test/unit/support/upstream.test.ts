/**
 * The recording upstream: it sees every byte, and answers in every way.
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { openRaw, rawRequest } from '../../support/raw.ts';
import { echo, startUpstream, type Upstream } from '../../support/upstream.ts';

let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream();
});

beforeEach(() => {
  upstream.forget();
  upstream.script = echo;
});

afterAll(() => upstream.stop());

describe('what it records', () => {
  it('keeps the literal bytes, headers in their order and spelling', async () => {
    const bytes = 'POST /a?b=1 HTTP/1.1\r\nhOsT: x\r\nX-A: 1\r\nx-a:2 \r\nContent-Length: 3\r\n\r\nabc';
    const { final } = await rawRequest(upstream.port, bytes, { responses: 1 });

    expect(final[0]?.status).toBe(200);
    expect(upstream.last.raw.toString('latin1')).toBe(bytes);
    expect(upstream.last).toMatchObject({ method: 'POST', target: '/a?b=1' });
    expect(upstream.last.headers).toContainEqual(['hOsT', 'x']);
    expect(upstream.last.all('X-A')).toEqual(['1', '2']);
    expect(upstream.last.text()).toBe('abc');
  });

  it('takes a chunked body apart and keeps its trailers', async () => {
    const bytes =
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n';
    await rawRequest(upstream.port, bytes, { responses: 1 });

    expect(upstream.last.text()).toBe('abcde');
    expect(upstream.last.trailers).toEqual([['X-T', '1']]);
    expect(upstream.last.raw.toString('latin1')).toBe(bytes);
  });

  it('sees a second request that was hidden behind the first', async () => {
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';
    const { final } = await rawRequest(
      upstream.port,
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n${hidden}`,
      { responses: 2 },
    );

    expect(upstream.requests.map(({ target }) => target)).toEqual(['/', '/hidden']);
    expect(final).toHaveLength(2);
  });

  it('notes bytes that are no request, and a request that never became whole', async () => {
    await rawRequest(upstream.port, 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', { responses: 1 });
    const half = await openRaw(upstream.port);
    half.write('POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc');
    await eventually(() => upstream.begun.length === 2);
    half.destroy();

    await eventually(() => expect(upstream.faults).toHaveLength(2));
    expect(upstream.requests).toEqual([]);
    expect(upstream.faults[1]?.bytes.toString()).toMatch(/abc$/);
  });

  it('counts connections and notices a peer that leaves before the answer', async () => {
    upstream.script = () => 'hang';
    const open = await openRaw(upstream.port);
    open.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await upstream.received(1);
    expect(upstream.openSockets).toBe(1);
    open.destroy();
    await upstream.last.aborted;

    expect(upstream.abortedRequests).toEqual([upstream.last]);
    await eventually(() => upstream.openSockets === 0);
  });

  it('does not call an answered request aborted when its connection ends', async () => {
    await rawRequest(upstream.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', { responses: 1 });
    await eventually(() => upstream.openSockets === 0);

    expect(upstream.requests).toHaveLength(1);
    expect(upstream.abortedRequests).toEqual([]);
  });

  it('takes a large body in reasonable time', async () => {
    upstream.script = ({ body }) => ({ body: String(body.length) });
    const raw = await openRaw(upstream.port, { methods: ['POST'] });
    raw.write(`POST / HTTP/1.1\r\nContent-Length: ${40_000_000}\r\n\r\n`);
    raw.write(Buffer.alloc(40_000_000, 97));
    const { final } = await raw.waitFor((result) => result.final.length === 1, 10_000);

    expect(final[0]?.text()).toBe('40000000');
    raw.destroy();
  });
});

describe('how it answers', () => {
  const ask = (options = {}) => rawRequest(upstream.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', options);

  it('streams chunks at the pace of a generator, with trailers', async () => {
    const gate = Promise.withResolvers<void>();
    upstream.script = () => ({
      trailers: [['X-End', 'yes']],
      chunks: (async function* () {
        yield 'first';
        await gate.promise;
        yield 'second';
      })(),
    });
    const raw = await openRaw(upstream.port);
    raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw.waitFor(({ text }) => text.includes('first'));
    expect(raw.received()).not.toContain('second');
    gate.resolve();
    const { final } = await raw.waitFor((result) => result.final[0]?.complete === true);

    expect(final[0]?.text()).toBe('firstsecond');
    expect(final[0]?.trailers).toEqual([['X-End', 'yes']]);
    raw.destroy();
  });

  it('closes before or after the headers, or breaks the connection', async () => {
    upstream.script = () => 'close';
    expect(await ask()).toMatchObject({ text: '', closed: true });
    upstream.script = () => 'reset';
    expect(await ask()).toMatchObject({ text: '', closed: true });
    upstream.script = () => 'close-after-headers';
    const { responses } = await ask();
    expect(responses).toMatchObject([{ status: 200, complete: false }]);
  });

  it('sends two answers to one request, and interim ones before', async () => {
    upstream.script = () => ({
      raw: 'HTTP/1.1 200 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 B\r\nContent-Length: 0\r\n\r\n',
    });
    expect((await ask()).final.map(({ status }) => status)).toEqual([200, 404]);
    upstream.script = () => ({ interim: 'HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n', body: 'x' });
    expect((await ask()).responses.map(({ status }) => status)).toEqual([103, 200]);
  });

  it('drips bytes, and ends the connection afterwards if told', async () => {
    upstream.script = () => ({ drip: 'HTTP/1.1 200 OK\r\n\r\nslow', everyMs: 1, afterwards: 'close' });
    const { final, closed } = await ask();

    expect(final[0]?.text()).toBe('slow');
    expect(closed).toBe(true);
  });

  it('answers at the head, before the body has come', async () => {
    await using hasty = await startUpstream(echo, { atHead: () => ({ status: 413, afterwards: 'close' }) });
    const raw = await openRaw(hasty.port);
    raw.write('POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n');
    const { final } = await raw.waitFor((result) => result.final.length === 1);

    expect(final[0]?.status).toBe(413);
    expect(hasty.requests).toEqual([]);
    raw.destroy();
  });

  it('gives no body to HEAD and 204', async () => {
    const { final } = await rawRequest(upstream.port, 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(final[0]?.header('content-length')).toMatch(/^\d+$/);
    expect(final[0]?.body).toHaveLength(0);
    upstream.script = () => ({ status: 204 });
    expect((await ask()).text).not.toContain('Content-Length');
  });

  it('hands the connection over for another protocol', async () => {
    upstream.script = () => ({
      upgrade: (socket) => {
        socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
        socket.on('data', (chunk: Buffer) => socket.write(`got ${chunk.toString()}`));
      },
    });
    const raw = await openRaw(upstream.port);
    raw.write('GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    await raw.waitFor(({ text }) => text.includes('101'));
    raw.write('ping');
    const { text } = await raw.waitFor((result) => result.text.endsWith('got ping'));

    expect(text).toContain('101 Switching');
    raw.destroy();
  });
});
