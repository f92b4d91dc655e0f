import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { openRaw, rawRequest } from '../support/raw.ts';
import { type Served, startServed } from '../support/served.ts';

let served: Served;

beforeAll(async () => {
  served = await startServed({ upstream: 'http://127.0.0.1:9' });
});

afterAll(() => served.close());

const session = 'GET /session HTTP/1.1\r\nHost: localhost\r\n\r\n';
const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

async function expectAlive(): Promise<void> {
  const { final } = await rawRequest(served.port, session);
  expect(final[0]?.status).toBe(200);
}

describe('a stranger cannot end the process', () => {
  it('ER-09: by an upgrade behind a request that has no answer yet', async () => {
    for (let count = 0; count < 20; count++) await rawRequest(served.port, session + upgrade, { timeoutMs: 500 });
    await expectAlive();
  });

  it('ER-09: by a CONNECT or an upgrade that is reset', async () => {
    for (const bytes of ['CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n', upgrade]) {
      const raw = await openRaw(served.port);
      raw.write(bytes);
      raw.reset();
    }
    await expectAlive();
  });

  it('PX-29: nor hold a connection by never closing it after a refusal', async () => {
    await using raw = await openRaw(served.port);
    raw.write('CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await eventually(() => raw.result().final.length === 1);
    expect(raw.result().final[0]?.status).toBe(501);
    await eventually(() => raw.closed, 8_000);
  });

  it('PX-22: what is refused is never taken for the answer to an earlier request', async () => {
    const { final } = await rawRequest(served.port, `${session}GARBAGE\r\n\r\n`, { timeoutMs: 2_000 });

    for (const { status } of final.slice(0, 1)) expect(status).toBe(200);
    await expectAlive();
  });
});
