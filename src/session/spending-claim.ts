/**
 * A claim to spend the refresh token of a session.
 *
 * How it is made, moved on and ended stands in session/store.ts; when its owner counts
 * as gone, in token/owner.ts.
 *
 * @module
 */

/** Who spends a refresh token, and what they said of how long. */
export interface SpendingClaim {
  /** A random name of this claim. */
  readonly owner: string;
  /** Ms, by the clock of the owner, who moves it on while it is at work. Other clocks may differ: what tells is that it moves. */
  readonly until: number;
}
