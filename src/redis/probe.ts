/**
 * One look at a Redis server, for somebody who is setting it up: what the server
 * says of itself, or why it cannot be asked. Nothing is tried twice.
 *
 * @module
 */

import { createClient, ErrorReply } from 'redis';
import type { Clock } from '../base/clock.ts';
import { DeadlineError, withDeadline } from '../base/deadline.ts';
import type { Secret } from '../base/secret.ts';
import { serverFaults } from './server-check.ts';

/** What was seen. */
export type RedisProbe =
  | { readonly kind: 'reached'; readonly faults: readonly string[] }
  /** `word`: the first of an error reply (`WRONGPASS`, `NOPERM` …), or Node's code for a connection that failed. */
  | { readonly kind: 'refused' | 'away'; readonly word: string };

/** Connects, asks, and closes. Does not throw, whatever the server does. */
export async function probeRedis(
  url: Secret,
  { clock, limitMs }: { readonly clock: Clock; readonly limitMs: number },
): Promise<RedisProbe> {
  const client = createClient({
    url: url.reveal(),
    RESP: 3,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    socket: { connectTimeout: limitMs, reconnectStrategy: false },
  });
  client.on('error', () => undefined); // told by whichever promise fails
  const ask = async () => {
    await client.connect();
    return [await client.info('server'), await client.info('memory')].join('\n');
  };
  try {
    const information = await withDeadline(ask(), { what: 'looking at Redis', limitMs, clock });
    return { kind: 'reached', faults: serverFaults(information) };
  } catch (error) {
    return failureOf(error);
  } finally {
    client.destroy();
  }
}

function failureOf(error: unknown): RedisProbe {
  // The first word of an error reply is its kind, by the protocol.
  if (error instanceof ErrorReply) return { kind: 'refused', word: error.message.split(' ', 1)[0] ?? 'ERR' };
  if (error instanceof DeadlineError) return { kind: 'away', word: 'timeout' };
  return { kind: 'away', word: error instanceof Error && 'code' in error ? String(error.code) : 'closed' };
}
