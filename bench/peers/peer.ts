/**
 * What is measured: Claimcheck and those it is held against, each a process that
 * listens on a port of its own before the same upstream.
 *
 * @module
 */

import type { Place } from '../place.ts';
import type { Caller } from '../sign-in.ts';

/** A way to start one peer. */
export interface Peer {
  /** In the table, the plot and the budget. */
  readonly name: string;
  /** What it is, in a line of the report. */
  readonly title: string;
  /** Why it cannot be measured here, or `undefined` when it can. */
  missing(): string | undefined;
  start(place: Place): Promise<RunningPeer>;
}

/** A peer that serves. */
export interface RunningPeer {
  readonly pid: number;
  readonly port: number;
  /** What a request carries for itself; one for each session, or a single one where there are no sessions. */
  readonly callers: readonly Caller[];
  stop(): Promise<void>;
}
