/**
 * A place between one process and Redis where a script can be stopped: on its way
 * there, or its answer on the way back. So a process is caught exactly between
 * two steps, without a hook in its code.
 *
 * It knows a script by the hash that EVALSHA names. What is stopped is the whole
 * connection, from that script on.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { RedisScript } from '../../src/redis/script.ts';

/** Which script is stopped, and where. */
export interface Stop {
  readonly script: RedisScript;
  /**
   * `request`: Redis does not get it. `reply`: Redis runs it, and the process does not learn of it. `next`: it does, and Redis
   * gets nothing of what it asks then.
   */
  readonly at: 'request' | 'reply' | 'next';
}

/** A running gap. */
export interface RedisGap {
  readonly port: number;
  /** How often the script came by since {@link RedisGap.stopAt}. */
  readonly seen: number;
  /** From now on. */
  stopAt(stop: Stop): void;
  /** Lets all pass again, what was held first. */
  release(): void;
  /** Breaks every connection, and what was held is lost; new ones let all pass. */
  break(): void;
  close(): Promise<void>;
}

/** One connection through the gap. */
class Passage {
  readonly #process: Socket;
  readonly #redis: Socket;
  readonly #held: { readonly to: Socket; readonly bytes: Buffer }[] = [];
  #stopped: { request: boolean; reply: boolean } = { request: false, reply: false };
  /** The end of what came before, for a hash that two chunks share. */
  #tail = '';

  constructor(process: Socket, { redis, seen }: { redis: Socket; seen: (text: string) => Stop['at'] | undefined }) {
    this.#process = process;
    this.#redis = redis;
    process.on('data', (bytes: Buffer) => {
      const text = this.#tail + bytes.toString('latin1');
      this.#tail = text.slice(-39);
      const at = seen(text);
      if (at === 'request' || at === 'reply') this.#stopped[at] = true;
      this.#pass('request', { to: redis, bytes });
      if (at === 'next') this.#stopped.request = true;
    });
    redis.on('data', (bytes: Buffer) => this.#pass('reply', { to: process, bytes }));
    for (const [one, other] of [
      [process, redis],
      [redis, process],
    ] as const) {
      one.on('error', () => other.destroy()); // the process was killed: that is what the gap is for
      one.on('close', () => other.destroy());
    }
  }

  release(): void {
    this.#stopped = { request: false, reply: false };
    for (const { to, bytes } of this.#held.splice(0)) if (!to.destroyed) to.write(bytes);
  }

  destroy(): void {
    this.#process.destroy();
    this.#redis.destroy();
  }

  #pass(way: 'request' | 'reply', { to, bytes }: { readonly to: Socket; readonly bytes: Buffer }): void {
    if (this.#stopped[way]) this.#held.push({ to, bytes });
    else to.write(bytes);
  }
}

/** Opens a gap before the Redis at `port` of 127.0.0.1. */
export async function openRedisGap(redisPort: number): Promise<RedisGap> {
  const passages = new Set<Passage>();
  let stop: Stop | undefined;
  let seen = 0;
  const look = (text: string) => {
    const times = stop === undefined ? 0 : text.split(stop.script.hash).length - 1;
    seen += times;
    return times > 0 ? stop?.at : undefined;
  };
  const server = createServer((socket) => {
    const passage = new Passage(socket, { redis: connect(redisPort, '127.0.0.1'), seen: look });
    passages.add(passage);
    socket.once('close', () => passages.delete(passage));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP listener has no other kind of address
  return {
    port,
    get seen() {
      return seen;
    },
    stopAt(next) {
      stop = next;
      seen = 0;
    },
    release() {
      stop = undefined;
      for (const passage of passages) passage.release();
    },
    break() {
      stop = undefined;
      for (const passage of passages) passage.destroy();
    },
    async close() {
      for (const passage of passages) passage.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
