/**
 * The listener of the witness, in a thread of its own: a listener that shares its
 * event loop with a thousand callers accepts a connection only now and then.
 *
 * What it saw of a call is told before the call is answered.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Seen, subjectOf } from './witness.ts';

function seenIn({ url = '', headers }: IncomingMessage): Seen {
  const { pathname, searchParams } = new URL(url, 'http://upstream');
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  return { path: pathname, marker: searchParams.get('user') ?? '', token };
}

const told: MessagePort = workerData;
const server = createServer((request, response) => {
  request.resume();
  const seen = seenIn(request);
  told.postMessage(seen);
  response.end(subjectOf(seen.token));
});
server.listen(0, '127.0.0.1', 4_096); // hundreds connect at once
await once(server, 'listening');
parentPort?.postMessage(server.address());
