/**
 * Cross-origin resource sharing, by the `cors` package with an exact allowlist.
 *
 * It lets scripts of allowed origins read our answers, errors included, and
 * answers their preflights without a session or an upstream. It keeps nobody out:
 * that is the cross-origin guard's work, which comes next and refuses.
 *
 * @module
 */

import cors from 'cors';
import type { Guard } from '../guards/step.ts';
import type { Frontend } from '../http/frontend.ts';
import type { InboundRequest } from '../http/inbound.ts';
import { sendReply } from '../http/reply.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** What a page of an allowed origin may send. */
const allowedHeaders = [
  'Accept',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'Prefer',
  'Range',
  'X-CSRF',
  'X-CSRF-Token',
  'X-Requested-With',
];

/** What it may read beside the headers that are always readable. */
const exposedHeaders = [
  'Content-Disposition',
  'ETag',
  'Link',
  'Location',
  'Retry-After',
  'X-Error-Source',
  'X-Request-Id',
];

/** Makes the stage. */
export function corsStage(frontend: Frontend): Guard {
  const share = cors({
    origin: (origin, answer) => answer(null, origin !== undefined && frontend.trustedOrigins.has(origin)),
    credentials: true,
    methods,
    allowedHeaders,
    exposedHeaders,
    maxAge: 600,
    optionsSuccessStatus: 204,
  });
  const allow = [...methods, 'OPTIONS'].join(', ');
  return (request) => {
    if (request.method !== 'OPTIONS') {
      if (request.origin !== undefined && frontend.trustedOrigins.has(request.origin)) apply(share, request);
      return 'next';
    }
    if (request.headers['access-control-request-method'] === undefined) {
      sendReply(request, { status: 204, headers: { Allow: allow } });
      return 'answered';
    }
    if (!apply(share, request)) return 'cross-origin';
    sendReply(request, { status: 204 });
    return 'answered';
  };
}

// The package is Connect-style; it is given a response that collects what it sets. `Vary` stands on the answer already.
function apply(share: ReturnType<typeof cors>, request: InboundRequest): boolean {
  const set = new Map<string, string>();
  const collector = {
    statusCode: 200,
    setHeader: (name: string, value: string) => set.set(name, value),
    getHeader: (name: string) => set.get(name),
    end: () => undefined,
  };
  share(request.message as never, collector as never, () => undefined); // only the members above are used: test/unit/stages/cors.test.ts
  for (const [name, value] of set) {
    if (name !== 'Vary' && name !== 'Content-Length') request.replyHeaders.add(name, String(value));
  }
  return set.has('Access-Control-Allow-Origin');
}
