/**
 * What goes wrong on a connection to an upstream, below the meaning of HTTP.
 *
 * @module
 */

/**
 * - `closed`: the connection ended under a request, or before its answer was whole.
 * - `invalid`: what came is no HTTP, or can be read in two ways.
 * - `head-too-large`: a head of more bytes than are taken.
 * - `length-mismatch`: the body of the request was not as long as it was said to be.
 * - `unwritable`: the request holds what no request may hold.
 * - `destroyed`: we closed the connection.
 */
export type WireFault = 'closed' | 'invalid' | 'head-too-large' | 'length-mismatch' | 'unwritable' | 'destroyed';

/** A fault of a connection. `code` is {@link WireFault} with `WIRE_` before it. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: `WIRE_${WireFault}`;

  constructor(fault: WireFault, message: string) {
    super(message);
    this.code = `WIRE_${fault}`;
  }
}
