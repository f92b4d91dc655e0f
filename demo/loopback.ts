/**
 * Ports of this machine: how the demo's servers listen, and how it finds out
 * beforehand that a port is taken.
 *
 * @module
 */

import { createServer, type Server } from 'node:net';

/** Listens on 127.0.0.1 and gives the port. Rejects with Node's `EADDRINUSE` error if it is taken. */
export function listenOnLoopback(server: Server, port: number): Promise<number> {
  return listen(server, { port, host: '127.0.0.1' });
}

/** Whether something listens at `port` of one of `hosts` already. An address this machine lacks is not taken. */
export async function isPortTaken(port: number, hosts: readonly string[] = ['127.0.0.1']): Promise<boolean> {
  for (const host of hosts) {
    const probe = createServer();
    try {
      await listen(probe, { port, host });
    } catch (error) {
      if (codeOf(error) === 'EADDRINUSE') return true;
      // EADDRNOTAVAIL and EAFNOSUPPORT: a machine without IPv6 has nobody listening there.
      if (codeOf(error) !== 'EADDRNOTAVAIL' && codeOf(error) !== 'EAFNOSUPPORT') throw error;
    }
    await closeServer(probe);
  }
  return false;
}

/** A port that was free a moment ago, for what must be told its port before it listens. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await listenOnLoopback(probe, 0);
  await closeServer(probe);
  return port;
}

/** Stops listening. Connections that are open are left to their own end. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function listen(server: Server, at: { readonly port: number; readonly host: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : at.port);
    });
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
