/**
 * An upstream that knows whose token comes with a call: it says of every call for
 * whom it was made, and remembers each that bore the token of somebody else.
 *
 * It reads JWT access tokens of the hostile provider (`accessTokenFormat: 'jwt'`)
 * and believes them unverified: what is tried here is not their signature.
 *
 * @module
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';

/** A running witness. */
export interface Witness {
  readonly origin: string;
  /** How many calls came. */
  readonly calls: number;
  /** `marker: subject` of every call whose token was not that of its marker. */
  readonly mixedUp: readonly string[];
  /** The different access tokens that came with the calls of one marker (and path), oldest first. */
  tokensOf(marker: string, path?: string): readonly string[];
  stop(): Promise<void>;
}

/** What a call says of itself: the `user` of its query is its marker. */
export interface Seen {
  readonly path: string;
  readonly marker: string;
  readonly token: string;
}

/** The `sub` of a JWT, or what was there instead of one. */
export function subjectOf(token: string): string {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  try {
    return String(JSON.parse(payload).sub);
  } catch {
    return `not a JWT: ${token}`;
  }
}

/** Starts a witness on a free port of 127.0.0.1. It answers with the subject of the token. */
export async function startWitness(): Promise<Witness> {
  const tokens = new Map<string, Set<string>>();
  const mixedUp: string[] = [];
  let calls = 0;
  const take = ({ path, marker, token }: Seen): void => {
    const subject = subjectOf(token);
    calls += 1;
    if (subject !== marker) mixedUp.push(`${marker}: ${subject}`);
    for (const key of [marker, `${marker} ${path}`]) {
      const known = tokens.get(key) ?? new Set();
      tokens.set(key, known.add(token));
    }
  };
  const { port1: told, port2: teller } = new MessageChannel();
  // Without waiting: what was told before an answer was sent is here when the answer is.
  const listen = (): void => {
    for (let next = receiveMessageOnPort(told); next !== undefined; next = receiveMessageOnPort(told))
      take(next.message);
  };
  const thread = new Worker(new URL('./witness-thread.ts', import.meta.url), {
    workerData: teller,
    transferList: [teller],
  });
  const [address] = await once(thread, 'message');
  const { port } = address as AddressInfo; // a TCP listener has no other kind of address
  return {
    origin: `http://127.0.0.1:${port}`,
    get mixedUp() {
      listen();
      return mixedUp;
    },
    get calls() {
      listen();
      return calls;
    },
    tokensOf(marker, path) {
      listen();
      return [...(tokens.get(path === undefined ? marker : `${marker} ${path}`) ?? [])];
    },
    async stop() {
      await thread.terminate();
      told.close();
    },
  };
}
