/**
 * The sealed list of client keys in Redis: one value, written only over the version
 * that was read.
 *
 * @module
 */

import type { Redis } from '../redis/client.ts';
import { redisScript } from '../redis/script.ts';
import type { KeyListStore } from './managed-client-keys.ts';

/**
 * Writes the list. ARGV: the version it was made from (0: none yet), sealed list, ms to live.
 * 1: written, or written by the same call before; 0: another wrote meanwhile.
 */
const writeScript = redisScript(
  'write client keys',
  `local v = redis.call('HGET', KEYS[1], 'v') or '0'
if v == ARGV[1] then
  redis.call('HSET', KEYS[1], 'v', string.format('%d', v + 1), 'sealed', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1
end
return redis.call('HGET', KEYS[1], 'sealed') == ARGV[2] and 1 or 0`,
);

/** What the store is made from. */
export interface ClientKeyStoreParts {
  readonly redis: Pick<Redis, 'command' | 'run'>;
  /** The client that they are the keys of, and its issuer. */
  readonly scope: string;
  /** The list is forgotten when nobody writes it for so long, ms: longer than any key is in use. */
  readonly keptMs: number;
}

/** A {@link KeyListStore} that all instances share. */
export class RedisKeyListStore implements KeyListStore {
  readonly #parts: ClientKeyStoreParts;
  readonly #key: string;

  constructor(parts: ClientKeyStoreParts) {
    this.#parts = parts;
    this.#key = `cc:client-keys:{${parts.scope}}`;
  }

  async read(): Promise<{ readonly version: number; readonly sealed: string } | undefined> {
    const reply = await this.#parts.redis.command('HMGET', this.#key, 'v', 'sealed');
    const [version, sealed] = Array.isArray(reply) ? reply : [];
    if (version === null || version === undefined || sealed === null || sealed === undefined) return undefined;
    return { version: Number(String(version)), sealed: String(sealed) };
  }

  async write(sealed: string, version: number): Promise<boolean> {
    const { redis, keptMs } = this.#parts;
    const values = [String(version), sealed, String(keptMs)];
    return (await redis.run(writeScript, { keys: [this.#key], values })) === 1;
  }
}
