/**
 * Flaws that other systems of this field had, and the tests that show what becomes
 * of them here: the source of docs/known-flaws.md.
 *
 * The systems are named for what was once found and repaired there; it says
 * nothing of how they are today.
 *
 * @module
 */

import { headerFlaws } from './known-flaws-headers.ts';
import { pathFlaws } from './known-flaws-paths.ts';
import { furtherFlaws, wireFlaws } from './known-flaws-wire.ts';

/** A test by its file and its title as it is written there. */
export interface Shown {
  readonly file: string;
  readonly title: string;
}

/** One flaw. Texts are Markdown of one line. */
export interface KnownFlaw {
  /** Within its family, such as `2A-1`. */
  readonly id: string;
  readonly seenIn: string;
  readonly flaw: string;
  /** What an attacker sends. */
  readonly attack: string;
  /** What comes of it here. */
  readonly here: string;
  readonly shownBy: readonly Shown[];
}

/** Flaws with one cause. */
export interface FlawFamily {
  readonly title: string;
  readonly flaws: readonly KnownFlaw[];
}

/** All of them. */
export const knownFlaws: readonly FlawFamily[] = [pathFlaws, headerFlaws, wireFlaws, furtherFlaws];
