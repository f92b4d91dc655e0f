import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Listener } from '../../../src/http/listener.ts';

/** More than any system holds for a client that reads nothing. */
const body = Buffer.alloc(32 * 1024 * 1024, 'b');

describe('an answer to a request for an upgrade', () => {
  it('PX-30: is told when its reader has taken what waited, as any other', { timeout: 20_000 }, async () => {
    const drained = Promise.withResolvers<void>();
    const listener = new Listener(
      { host: '127.0.0.1', port: 0, clock: systemClock },
      {
        onRequest({ response }) {
          response.writeHead(200, { 'Content-Length': body.length });
          expect(response.write(body)).toBe(false);
          response.once('drain', drained.resolve);
        },
        onRefused: () => undefined,
      },
    );
    const client = connect(await listener.listen(), '127.0.0.1');
    let received = 0;
    client.on('data', (bytes) => {
      received += bytes.length;
    });
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');

    await drained.promise;

    expect(received).toBeGreaterThan(1024);
    client.destroy();
    await listener.close(0);
  });
});
