/**
 * Comparison of secrets in constant time.
 *
 * @module
 */

import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether two texts are the same, without telling by its duration where they
 * differ. Both are hashed first, so that their lengths do not show either.
 */
export function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest());
}
