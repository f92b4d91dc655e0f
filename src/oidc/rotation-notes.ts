/**
 * What the provider does with a refresh token that was spent, noted so that
 * `claimcheck doctor` can tell: nothing in its metadata says so.
 *
 * One word and an instant, for each issuer and client. No token, nobody's name.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { Redis } from '../redis/client.ts';

/** In a grant for a refresh token: another one, the same one, or none, so that the old one stays (RFC 6749, 6). */
export const rotations = ['rotates', 'keeps', 'gives-none'] as const;

/** What a provider does with a refresh token. */
export type Rotation = (typeof rotations)[number];

/** What was seen last, and when, ms. */
export interface SeenRotation {
  readonly rotation: Rotation;
  readonly seenAt: number;
}

/** Whose behaviour it is. */
export interface RotationOf {
  readonly issuer: string;
  readonly clientId: string;
}

/** Where it is noted. Both throw `store-unavailable`. */
export interface RotationNotes {
  write(seen: SeenRotation): Promise<void>;
  /** `undefined` while nothing was seen, or for longer than notes are kept. */
  read(): Promise<SeenRotation | undefined>;
}

/** Ms since 1970, of this era: whoever writes to the store must not be able to break who reads. */
const instantForm = /^[1-9]\d{0,13}$/;

const keptMs = 30 * 24 * 60 * 60_000;

/** Notes in Redis, which all instances share. */
export class RedisRotationNotes implements RotationNotes {
  readonly #redis: Pick<Redis, 'command'>;
  readonly #key: string;

  constructor(redis: Pick<Redis, 'command'>, { issuer, clientId }: RotationOf) {
    const whose = createHash('sha256')
      .update(JSON.stringify([issuer, clientId]))
      .digest('base64url');
    this.#redis = redis;
    this.#key = `cc:rotation:${whose}`;
  }

  async write({ rotation, seenAt }: SeenRotation): Promise<void> {
    await this.#redis.command('SET', this.#key, `${rotation} ${seenAt}`, 'PX', String(keptMs));
  }

  async read(): Promise<SeenRotation | undefined> {
    const [word, instant = ''] = String((await this.#redis.command('GET', this.#key)) ?? '').split(' ');
    const rotation = rotations.find((each) => each === word);
    return rotation === undefined || !instantForm.test(instant) ? undefined : { rotation, seenAt: Number(instant) };
  }
}
