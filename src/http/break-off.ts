/**
 * Breaks off an answer that has begun: its client sees by the end of the connection
 * that it is not whole.
 *
 * @module
 */

import type { ServerResponse } from 'node:http';

/**
 * Ends the connection of `response`. An answer that stands behind an earlier one on its connection has no socket yet, and
 * Node would let a destroyed one take its turn later, and send no more after it.
 */
export function breakOff(response: ServerResponse): void {
  response.destroy();
  response.req.socket.destroy();
}
