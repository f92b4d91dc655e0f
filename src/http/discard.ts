/**
 * The rest of a body that nobody wants: what a refused request still sends.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';

/** How long it is taken and thrown away, in ms, so that the client finds its answer. */
const lingerMs = 5_000;

/**
 * Takes what still comes of a body, for a bounded time, and then breaks the
 * connection. Closing it at once would, by a reset, take away the answer that is
 * under way to the client (RFC 9112, 9.6); waiting for it without end would let
 * anybody hold connections for nothing.
 */
export function discardRest({ message }: { readonly message: IncomingMessage }, clock: Clock): void {
  if (message.complete || message.destroyed) return;
  const cancel = clock.after(lingerMs, () => message.socket.destroy());
  message.once('end', cancel).once('close', cancel).resume();
}
