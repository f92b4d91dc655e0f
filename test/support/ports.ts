/**
 * Free ports of this machine.
 *
 * Only for programs that cannot be told to choose one themselves (Redis, a child
 * process with its port in the environment); our own servers listen on port 0.
 *
 * @module
 */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that Linux gives to connections that go out (from 32 768): one of these would take the port of a server
 * between its being found free and its being listened on.
 */
const first = 20_000;
const last = 32_767;

/** A port of 127.0.0.1 that was free a moment ago. Another program may take it meanwhile, though hardly ever: try again then. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, last + 1);
    if (await isFree(port)) return port;
  }
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
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  }
}
