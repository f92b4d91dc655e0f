/**
 * The seed of a fuzz run: chosen anew each time, printed, and set again by
 * FUZZ_SEED to see the same values once more.
 *
 * @module
 */

import { randomInt } from 'node:crypto';

/** What fast-check is told of one property. */
export interface Fuzzing {
  readonly numRuns: number;
  readonly seed: number;
}

/** Prints the seed of the property called `name`, and gives fast-check its parameters. */
export function fuzzing<Options extends { readonly numRuns: number }>(
  name: string,
  options: Options,
): Options & Fuzzing {
  const given = process.env['FUZZ_SEED'];
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error('FUZZ_SEED must be a whole number');
  console.log(`${name}: ${options.numRuns} runs, FUZZ_SEED=${seed}`);
  return { ...options, seed };
}
