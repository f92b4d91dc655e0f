/**
 * A failure as an answer: problem+json for programs (RFC 9457), a small page for
 * a person whose browser asked for one.
 *
 * @module
 */

import {
  catalogue,
  codeOf,
  type ErrorCode,
  ProblemError,
  type ProblemExtras,
  problemOf,
  retryAfterOf,
} from '../errors.ts';
import { htmlReply } from './html-page.ts';
import type { InboundRequest, Kind } from './inbound.ts';
import type { Reply } from './reply.ts';

/** What decides the form of an error answer. */
export interface Asker {
  readonly id: string;
  readonly kind: Kind;
  readonly fetchMode: string | undefined;
  readonly headers: { readonly accept?: string | undefined };
}

/** The answer to a failure with a code of the catalogue. */
export function problemReply(asker: Asker, code: ErrorCode, extras: ProblemExtras = {}): Reply {
  const { source, title } = catalogue[code];
  const { status = catalogue[code].status } = extras;
  const retryAfter = retryAfterOf(code);
  const headers = {
    'X-Error-Source': source,
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
    ...extras.headers,
  };
  if (wantsPage(asker)) return htmlReply(status, { title, body: pageBody(asker.id, retryAfter) }, headers);
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers },
    body: JSON.stringify({ ...problemOf(code, asker.id), status, ...extras.members }),
  };
}

/** The answer to whatever was thrown. Notes code and cause in the record; the cause goes no further. */
export function failureReply(request: InboundRequest, error: unknown): Reply {
  const code = codeOf(error);
  request.record.refuse(code, error instanceof ProblemError ? error.cause : error);
  return problemReply(request, code, error instanceof ProblemError ? error.extras : {});
}

// An API is called by programs, whatever they say they accept.
function wantsPage({ kind, fetchMode, headers }: Asker): boolean {
  if (kind === 'I' || kind === 'O' || kind === 'U') return false;
  return fetchMode === undefined ? (headers.accept ?? '').includes('text/html') : fetchMode === 'navigate';
}

function pageBody(requestId: string, retryAfter: number | undefined): string {
  const wait = retryAfter === undefined ? '' : `<p>Try again in ${retryAfter} seconds.</p>\n`;
  return `${wait}<p><a href="/">Go to the start page</a></p>\n<p><small>Request ${requestId}</small></p>`;
}
