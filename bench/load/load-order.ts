/**
 * What the process of the callers is told and what it tells.
 *
 * @module
 */

/** One run. */
export interface LoadOrder {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly connections: number;
  /** Whole requests, sent by turns. */
  readonly requests: readonly string[];
  /** It goes on for so long at least … */
  readonly durationMs: number;
  /** … and until so many answers are there, … */
  readonly count: number;
  /** … but not longer than this. */
  readonly longestMs: number;
  /** Each request is sent once, and no more. */
  readonly once?: boolean;
  /**
   * A connection that ends before the first byte of an answer is opened anew, as clients do (RFC 9112, 9.3.1), and the
   * request sent again: Apache ends kept connections as it likes. As often as there are connections at most.
   */
  readonly mayReopen?: boolean;
  /** Requests a second over all connections; as fast as answers come without it. */
  readonly rate?: number;
}

/** How it went. Times in ms. */
export interface LoadResult {
  /** Answers with 200. */
  readonly completed: number;
  /** What went otherwise, by kind. */
  readonly failures: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly p50: number;
  readonly p99: number;
}
