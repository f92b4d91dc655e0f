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
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
interface Seen {
  readonly path: string;
  readonly marker: string;
  readonly token: string;
}

function seenIn({ url = '', headers }: IncomingMessage): Seen {
  const { pathname, searchParams } = new URL(url, 'http://upstream');
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  return { path: pathname, marker: searchParams.get('user') ?? '', token };
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
  const take = ({ path, marker, token }: Seen): string => {
    const subject = subjectOf(token);
    calls += 1;
    if (subject !== marker) mixedUp.push(`${marker}: ${subject}`);
    for (const key of [marker, `${marker} ${path}`]) {
      const known = tokens.get(key) ?? new Set();
      tokens.set(key, known.add(token));
    }
    return subject;
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    response.end(take(seenIn(request)));
  });
  server.listen(0, '127.0.0.1', 4_096); // hundreds connect at once
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP listener has no other kind of address
  return {
    origin: `http://127.0.0.1:${port}`,
    mixedUp,
    get calls() {
      return calls;
    },
    tokensOf: (marker, path) => [...(tokens.get(path === undefined ? marker : `${marker} ${path}`) ?? [])],
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
