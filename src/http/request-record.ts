/**
 * What is noted of one request while it is answered, for its log line, the
 * metrics and the audit trail. Written by whoever knows, read once at the end by
 * the stage `record`.
 *
 * Holds no token, cookie, query or body (see audit/redact.ts).
 *
 * @module
 */

import type { ErrorCode } from '../errors.ts';
import type { Frontend } from './frontend.ts';
import type { InboundRequest } from './inbound.ts';

/** The facts of one request. The one thing on its way that is written to. */
export class RequestRecord {
  /** Why we refused or failed it; `undefined` when somebody else's answer went through. */
  code: ErrorCode | undefined = undefined;
  /** What a caller is not told: the cause of a failure. */
  cause: unknown = undefined;
  /** A word for the operator beside the code, e.g. which header was ambiguous. Never a value of the request. */
  detail: string | undefined = undefined;
  /** The request as it was read; `undefined` when it could not be read. */
  request: InboundRequest | undefined = undefined;
  /** Whom it was sent to; `undefined` when that could not be told. */
  frontend: Frontend | undefined = undefined;
  /** Whether it came to the internal port. */
  operations = false;
  /** The public prefix of the route. */
  route: string | undefined = undefined;
  /** The name of the upstream that answered, or would have. */
  upstream: string | undefined = undefined;
  /** Ms from sending to the upstream's first header. */
  upstreamMs: number | undefined = undefined;
  /** The session's hash under which the store knows it; stages/record.ts writes a keyed tag of it. */
  session: string | undefined = undefined;

  /** The status that was sent past the response, when its body turned out to be no HTTP. */
  cutOffWith: number | undefined = undefined;

  /** Notes a refusal or failure. What comes of a request that was cut off already is not its reason. */
  refuse(code: ErrorCode, cause?: unknown): void {
    if (this.cutOffWith !== undefined) return;
    this.code = code;
    this.cause = cause;
  }
}
