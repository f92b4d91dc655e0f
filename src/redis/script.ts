/**
 * A Lua script as a value: its text and the hash by which Redis knows it.
 *
 * @module
 */

import { createHash } from 'node:crypto';

/** A script that runs on the keys of one hash tag. */
export interface RedisScript {
  /** Named in errors. */
  readonly name: string;
  readonly text: string;
  /** SHA-1 of the text, in hex: that is how EVALSHA names it. */
  readonly hash: string;
}

/** Makes a script from its Lua text. It must give the same when it runs twice, since a caller may not learn of the first run. */
export function redisScript(name: string, text: string): RedisScript {
  return { name, text, hash: createHash('sha1').update(text).digest('hex') };
}
