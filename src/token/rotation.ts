/**
 * Sees what the provider does with refresh tokens, and notes it (oidc/rotation-notes.ts).
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { Grant } from '../oidc/grant.ts';
import type { RefreshOptions } from '../oidc/provider-options.ts';
import type { Rotation, RotationNotes } from '../oidc/rotation-notes.ts';
import type { GrantingProvider } from './renewal.ts';

const dayMs = 24 * 60 * 60_000;

/** What a witness is made from. */
export interface RotationWitnessParts {
  readonly provider: GrantingProvider;
  readonly notes: Pick<RotationNotes, 'write'>;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
}

/** The same is written once a day by each process; a change sooner, and a write that failed again after this. */
const leastPauseMs = 60_000;

/** Refreshes, and notes what came. Whoever refreshes never waits for a note, nor learns that one could not be written. */
export class RotationWitness implements GrantingProvider {
  readonly #parts: RotationWitnessParts;
  #last: Rotation | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #changeAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RotationWitnessParts) {
    this.#parts = parts;
  }

  async refresh(refreshToken: string, options: RefreshOptions): Promise<Grant> {
    const grant = await this.#parts.provider.refresh(refreshToken, options);
    this.#saw(rotationIn(grant, refreshToken));
    return grant;
  }

  #saw(rotation: Rotation): void {
    const { notes, clock } = this.#parts;
    const now = clock.elapsed();
    if (now < (rotation === this.#last ? this.#nextAt : this.#changeAt)) return;
    this.#last = rotation;
    this.#nextAt = now + dayMs;
    this.#changeAt = now + leastPauseMs;
    notes.write({ rotation, seenAt: clock.now() }).catch(() => {
      this.#nextAt = now + leastPauseMs; // the store says by itself that it is away; a later refresh notes the same
    });
  }
}

function rotationIn({ refreshToken }: Pick<Grant, 'refreshToken'>, spent: string): Rotation {
  if (refreshToken === undefined) return 'gives-none';
  return refreshToken === spent ? 'keeps' : 'rotates';
}
