/**
 * `claimcheck health` against ports that answer, refuse, lie or say nothing.
 *
 * @module
 */

import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server as SocketServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';
import { ranWith } from './running.ts';

const servers: (Server | SocketServer)[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function portOf(server: Server | SocketServer, host = '127.0.0.1'): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return String((server.address() as AddressInfo).port); // a socket of TCP has one
}

function answering(status: number): Server {
  return createServer((request, response) => {
    response.writeHead(request.url === '/healthz' && request.method === 'GET' ? status : 404).end('{"status":"ok"}\n');
  });
}

describe('claimcheck health', () => {
  it('is well when /healthz says so, and needs no setting beside the port', async () => {
    const OPS_PORT = await portOf(answering(200));
    expect(await ranWith(['health'], { env: { OPS_PORT } })).toEqual({ code: 0, output: 'ok', complaints: '' });
  });

  it.each(['0.0.0.0', '127.0.0.1', 'localhost'])('reaches a server that listens on %s', async (OPS_HOST) => {
    const OPS_PORT = await portOf(answering(200), OPS_HOST === '0.0.0.0' ? OPS_HOST : '127.0.0.1');
    expect((await ranWith(['health'], { env: { OPS_HOST, OPS_PORT } })).code).toBe(0);
  });

  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['::1', '[::1]'],
  ])('asks a server that listens on %s at %s', async (OPS_HOST, host) => {
    const OPS_PORT = String(await freePort());
    const { complaints } = await ranWith(['health'], { env: { OPS_HOST, OPS_PORT } });
    expect(complaints).toContain(`http://${host}:${OPS_PORT}/healthz: `);
  });

  it.each([204, 404, 500, 503])('is not well when the answer is %i', async (status) => {
    const OPS_PORT = await portOf(answering(status));
    const { code, complaints } = await ranWith(['health'], { env: { OPS_PORT } });
    expect({ code, complaints }).toEqual({
      code: 1,
      complaints: `http://127.0.0.1:${OPS_PORT}/healthz: status ${status}`,
    });
  });

  it('is not well when nobody listens', async () => {
    const { code, complaints } = await ranWith(['health'], { env: { OPS_PORT: String(await freePort()) } });
    expect(code).toBe(1);
    expect(complaints).toMatch(/: ECONNREFUSED$/);
  });

  it('is not well when the answer breaks off before its head', async () => {
    const OPS_PORT = await portOf(createSocketServer((socket) => socket.once('data', () => socket.destroy())));
    expect((await ranWith(['health'], { env: { OPS_PORT } })).code).toBe(1);
  });

  it('waits two seconds for an answer and no longer', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const OPS_PORT = await portOf(
      createSocketServer((socket) => {
        socket.on('error', () => undefined).once('data', () => (asked += 1));
      }),
    );
    const ran = ranWith(['health'], { env: { OPS_PORT }, clock });
    await eventually(() => expect(asked).toBe(1));
    await clock.advance(1999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await ran).toMatchObject({ code: 1, complaints: expect.stringMatching(/no answer within 2000 ms$/) });
  });

  it.each([
    ['a port that is none', { OPS_PORT: 'x' }],
    ['a port that was chosen by the system', { OPS_PORT: '0' }],
    ['a host that is none', { OPS_HOST: 'a b' }],
  ])('is not well with %s', async (_case, env) => {
    expect(await ranWith(['health'], { env })).toEqual({
      code: 1,
      output: '',
      complaints: 'OPS_HOST and OPS_PORT do not say where the operations port is.',
    });
  });
});
