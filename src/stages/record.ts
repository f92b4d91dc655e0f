/**
 * Records every request once, when its answer has ended or broken off: the log
 * line, the metrics, and for a refusal the audit event.
 *
 * It stands first, so nothing can be answered without being seen. What Node's
 * parser refuses never becomes a request; app.ts hands it to {@link Recorder.refused}.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { causeText, type Pseudonyms, plainText, truncatedAddress } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import { randomRequestId } from '../base/random.ts';
import { catalogue, type ErrorCode } from '../errors.ts';
import { hasBody } from '../http/framing.ts';
import type { Opening } from '../http/inbound.ts';
import type { ParserRefusal } from '../http/parser-refusals.ts';
import { RequestRecord } from '../http/request-record.ts';
import { whenClosed } from '../http/when-closed.ts';
import type { Metrics } from '../metrics/catalogue.ts';

/** What the recorder writes to. */
export interface RecorderParts {
  readonly trail: Trail;
  readonly metrics: Metrics;
  readonly pseudonyms: Pseudonyms;
  readonly clock: Clock;
  /** Whether lines, counts and events say which frontend a request was sent to. */
  readonly namesFrontends?: boolean;
}

/**
 * Of a request that is under way and whose body may turn out to be no HTTP. On the message itself, since a map that every
 * such request is added to and taken from keeps them all for long (docs/decisions/0026).
 */
const openingOf = Symbol('opening');

interface WithOpening extends IncomingMessage {
  [openingOf]?: Opening | undefined;
}

/** Sees every request begin and end. */
export class Recorder {
  readonly #parts: RecorderParts;
  #underWay = 0;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** The stage `record`. */
  open(message: WithOpening, response: ServerResponse): Opening {
    const { clock } = this.#parts;
    const opening: Opening = { id: randomRequestId(), startedAt: clock.elapsed(), record: new RequestRecord() };
    const isWithBody = hasBody(message.headers);
    this.#underWay += 1;
    if (isWithBody) message[openingOf] = opening;
    whenClosed(response, () => {
      this.#underWay -= 1;
      if (isWithBody) message[openingOf] = undefined;
      this.#close(opening, message, response);
    });
    return opening;
  }

  /** How many requests are being answered. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Records what Node's parser refused: in the line of the request in whose body it was, or in one of its own. */
  refused(code: ErrorCode, { detail, message }: ParserRefusal): void {
    const { trail, metrics } = this.#parts;
    const { status } = catalogue[code];
    const opening = (message as WithOpening | undefined)?.[openingOf];
    if (opening !== undefined) {
      opening.record.refuse(code);
      opening.record.detail = plainText(detail, 40);
      opening.record.cutOffWith = status;
      return;
    }
    metrics.requests.inc({ kind: 'none', status: `${Math.floor(status / 100)}xx`, code });
    trail.info('request', { request_id: randomRequestId(), status, code, detail: plainText(detail, 40) });
  }

  #close(opening: Opening, message: IncomingMessage, response: ServerResponse): void {
    const { metrics, clock } = this.#parts;
    const ms = clock.elapsed() - opening.startedAt;
    const { record } = opening;
    const kind = record.request?.kind ?? (record.operations ? 'O' : 'none');
    const sent = sentStatus(record, response);
    const status = sent === undefined ? 'none' : `${Math.floor(sent / 100)}xx`;
    const code = record.code ?? '';
    const frontend = this.#frontendOf(record);
    metrics.requests.inc(frontend === undefined ? { kind, status, code } : { kind, status, code, frontend });
    metrics.requestSeconds.observe(kind, ms / 1000);
    if (record.upstream !== undefined && record.upstreamMs !== undefined) {
      metrics.upstreamSeconds.observe(record.upstream, record.upstreamMs / 1000);
    }
    this.#write(opening, { message, response, ms });
    if (record.code !== undefined) this.#auditDenial(opening);
  }

  #frontendOf({ frontend }: RequestRecord): string | undefined {
    return this.#parts.namesFrontends ? frontend?.name : undefined;
  }

  #write({ id, record }: Opening, { message, response, ms }: Ended): void {
    const { trail, pseudonyms } = this.#parts;
    const { request, code } = record;
    const isFault = code !== undefined && catalogue[code].status >= 500;
    const level = isFault ? 'error' : record.operations ? 'debug' : 'info';
    if (!trail.writes(level)) return;
    trail.request(level, {
      requestId: id,
      frontend: this.#frontendOf(record),
      kind: request?.kind,
      method: message.method, // one of those that Node's parser knows
      route: record.route,
      path: request === undefined || request.kind === 'I' ? undefined : plainText(request.path, 120),
      status: sentStatus(record, response),
      isAborted: !isWhole(record, response),
      ms,
      upstream: record.upstream,
      upstreamMs: record.upstreamMs,
      session: record.session === undefined ? undefined : pseudonyms.session(record.session),
      code,
      detail: record.detail,
      cause: isFault ? causeText(record.cause) : undefined,
    });
  }

  #auditDenial({ id, record }: Opening): void {
    const { code, request } = record;
    if (code === undefined || ![400, 403, 421, 429].includes(catalogue[code].status)) return;
    this.#parts.trail.event('request.denied', 'denied', {
      request_id: id,
      frontend: this.#frontendOf(record),
      kind: request?.kind,
      method: request?.method,
      route: record.route,
      reason: record.detail === undefined ? code : `${code}: ${record.detail}`,
      address: request === undefined ? undefined : truncatedAddress(request.clientAddress),
    });
  }
}

interface Ended {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly ms: number;
}

function sentStatus({ cutOffWith }: RequestRecord, { headersSent, statusCode }: ServerResponse): number | undefined {
  return cutOffWith ?? (headersSent ? statusCode : undefined);
}

// A 101 ends the request; what follows is another protocol.
function isWhole({ cutOffWith }: RequestRecord, { writableFinished, statusCode }: ServerResponse): boolean {
  return cutOffWith !== undefined || writableFinished || statusCode === 101;
}
