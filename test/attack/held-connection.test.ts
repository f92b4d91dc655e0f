import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { openRaw } from '../support/raw.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

describe('a body that never comes', () => {
  it.concurrent.each(['/logout', '/api/orders', '/', '/session/refresh'])(
    'PX-29: of a refused POST %s holds no connection for long, and its answer arrives',
    async (path) => {
      await using raw = await openRaw(world.port);
      raw.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx`);

      await eventually(() => raw.result().final.length === 1);
      expect(raw.result().final[0]?.status).toBeGreaterThanOrEqual(400);
      await eventually(() => raw.closed, 8_000);
    },
  );

  it('PX-29: one that does come leaves the connection good for the next request', async () => {
    await using raw = await openRaw(world.port);
    raw.write(
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabcGET /session HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );

    await eventually(() => raw.result().final.length === 2);
    expect(raw.result().final.map(({ status }) => status)).toEqual([405, 200]);
  });
});
