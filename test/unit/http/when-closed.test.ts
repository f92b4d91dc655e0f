import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { whenClosed } from '../../../src/http/when-closed.ts';
import { eventually } from '../../support/eventually.ts';

const server = createServer();
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** A response that is being written, and the way to have its client leave. */
async function begun(): Promise<{ readonly response: ServerResponse; leave(): void }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sent = request({ host: '127.0.0.1', port, agent: false }).on('error', () => undefined);
  const response = await new Promise<ServerResponse>((resolve) => {
    server.once('request', (_message, made) => resolve(made));
    sent.end();
  });
  return { response, leave: () => sent.destroy() };
}

describe('when a response is closed', () => {
  it.each(['its answer has left', 'its client has left'])('all is done once, in its order: %s', async (how) => {
    const { response, leave } = await begun();
    const done: string[] = [];
    whenClosed(response, () => done.push('first'));
    whenClosed(response, () => done.push('second'));
    expect([done, response.listenerCount('close')]).toEqual([[], 1]);

    if (how === 'its answer has left') response.end();
    else leave();
    await eventually(() => done.length > 0);
    response.emit('close'); // as Node does for an upgrade

    expect(done).toEqual(['first', 'second']);
  });
});
