/**
 * Everything a Redis holds, as a thief of its memory would find it.
 *
 * @module
 */

import { bytesOf, listOf, type Reply, textOf } from './resp.ts';

/** One key and what it holds. Only the field of its type is filled. */
export interface DumpedKey {
  readonly key: string;
  /** `string`, `hash`, `zset`, `set`, `list` or `stream`. */
  readonly type: string;
  /** Left to live in ms; -1 for a key without an end. */
  readonly ttlMs: number;
  /** Of a string. */
  readonly value: Buffer | undefined;
  /** Of a hash: field to value. */
  readonly fields: ReadonlyMap<string, Buffer>;
  /** Of a sorted set: member to score; of a set: member to 0; of a list: member to its place. */
  readonly members: ReadonlyMap<string, number>;
  /** All bytes of the key, its name included: what a search for a secret looks through. */
  readonly bytes: Buffer;
}

type Ask = (...parts: readonly string[]) => Promise<Reply>;

/** Reads every key, sorted by name. A key that ends meanwhile is left out. */
export async function dumpAll(ask: Ask): Promise<readonly DumpedKey[]> {
  const dumped: DumpedKey[] = [];
  for (const key of await keysOf(ask)) {
    const type = textOf(await ask('TYPE', key));
    if (type !== 'none') dumped.push(await dumpKey(ask, { key, type }));
  }
  return dumped.filter((entry) => entry.ttlMs !== -2);
}

async function keysOf(ask: Ask): Promise<readonly string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, found] = listOf(await ask('SCAN', cursor, 'COUNT', '500'));
    for (const key of listOf(found)) keys.add(textOf(key));
    cursor = bytesOf(next).toString();
  } while (cursor !== '0');
  return [...keys].sort();
}

const readers: Readonly<Record<string, (key: string) => readonly string[]>> = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  set: (key) => ['SMEMBERS', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  stream: (key) => ['XRANGE', key, '-', '+'],
};

async function dumpKey(ask: Ask, { key, type }: { key: string; type: string }): Promise<DumpedKey> {
  const reader = readers[type];
  if (!reader) throw new Error(`${key} is of a type that is not read here: ${type}`);
  const content = await ask(...reader(key));
  const ttlMs = Number(await ask('PTTL', key));
  const parts = type === 'string' ? [content] : flatten(content);
  return {
    key,
    type,
    ttlMs,
    value: type === 'string' && content !== null ? bytesOf(content) : undefined,
    fields: type === 'hash' ? fieldsOf(parts) : new Map(),
    members: membersOf(type, parts),
    bytes: Buffer.concat([
      Buffer.from(`${key}\n`),
      ...parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(textOf(part)))),
    ]),
  };
}

function flatten(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? reply.flatMap(flatten) : [reply];
}

function fieldsOf(parts: readonly Reply[]): ReadonlyMap<string, Buffer> {
  const fields = new Map<string, Buffer>();
  for (let index = 0; index + 1 < parts.length; index += 2)
    fields.set(textOf(parts[index] ?? null), bytesOf(parts[index + 1]));
  return fields;
}

function membersOf(type: string, parts: readonly Reply[]): ReadonlyMap<string, number> {
  if (type === 'set' || type === 'list')
    return new Map(parts.map((part, place) => [textOf(part), type === 'list' ? place : 0]));
  if (type !== 'zset') return new Map();
  return new Map(
    parts.flatMap((part, index) => (index % 2 ? [] : [[textOf(part), Number(textOf(parts[index + 1] ?? null))]])),
  );
}
