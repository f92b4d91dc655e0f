/**
 * The names of keys on every master, found by walking through them (`SCAN`).
 *
 * A walk gives every key that was there from its beginning to its end, some of them
 * twice, as long as keys stay where they are. When one moves to another master, or a
 * connection breaks, some could be missed: then the walk fails.
 *
 * @module
 */

import type { KeyTracking } from './key-tracking.ts';
import type { RedisNode, RedisReply } from './node.ts';
import type { RedisTopology } from './topology.ts';

/** Where is walked. */
export interface Walked {
  readonly topology: Pick<RedisTopology, 'masters'>;
  /** Of the same masters: tells when keys may lie elsewhere. */
  readonly tracking: Pick<KeyTracking, 'onChanged'>;
}

/** How many keys a server looks at in one step: it answers nobody else meanwhile. */
const keysInStep = 512;

/**
 * The names of texts that match `pattern` (as `KEYS` has it), a step at a time; a step
 * may have none. Rejects when a master is away, and when some could have been missed.
 */
export async function* scanKeys({ topology, tracking }: Walked, pattern: string): AsyncGenerator<readonly string[]> {
  let mayMiss = false;
  const stop = tracking.onChanged((key) => {
    if (key === undefined) mayMiss = true;
  });
  try {
    for (const node of topology.masters()) {
      let cursor = '0';
      do {
        const step = await stepOf(node, { cursor, pattern });
        if (mayMiss) throw new Error('keys moved while they were looked through, or a connection broke');
        yield step.names;
        cursor = step.cursor;
      } while (cursor !== '0');
    }
    if (mayMiss) throw new Error('keys moved while they were looked through, or a connection broke');
  } finally {
    stop();
  }
}

async function stepOf(node: RedisNode, { cursor, pattern }: { readonly cursor: string; readonly pattern: string }) {
  const reply = await node.ask('SCAN', (send) =>
    send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(keysInStep), 'TYPE', 'string']),
  );
  const [next, names] = isList(reply) ? reply : [];
  if (next === undefined || names === undefined || !isList(names))
    throw new Error('SCAN was answered with something else');
  return { cursor: String(next), names: names.map(String) };
}

function isList(reply: RedisReply): reply is readonly RedisReply[] {
  return Array.isArray(reply);
}
