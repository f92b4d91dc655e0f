/**
 * Free ports of this machine.
 *
 * Only for programs that cannot be told to choose one themselves (Redis, a child
 * process with its port in the environment); our own servers listen on port 0.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A port of 127.0.0.1 that was free a moment ago. Another program may take it meanwhile: try again then. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP listener has no other kind of address
  server.close();
  await once(server, 'close');
  return port;
}

/** Can the port of 127.0.0.1 be listened on at this moment? */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    // Taken, or not ours to take: not free either way.
    return false;
  } finally {
    server.close();
  }
}
