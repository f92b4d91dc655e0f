/**
 * One call on its way: the request to the upstream, the answer to the browser,
 * both streamed with back-pressure, and every way in which either side can end.
 *
 * - The client leaves: the upstream's connection is broken at once.
 * - The upstream fails before its answer began: a `ProblemError` for the pipeline.
 * - It fails later: the client's connection is broken, so that what came is seen
 *   to be incomplete and never taken for the whole.
 * - A connection that was used before dies without a byte of answer: GET and HEAD
 *   are sent once more, on a fresh one. Nothing else is ever sent twice.
 *
 * @module
 */

import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { ProblemError } from '../errors.ts';
import { partyOf } from '../guards/party.ts';
import { breakOff } from '../http/break-off.ts';
import { discardRest } from '../http/discard.ts';
import { hasBody } from '../http/framing.ts';
import type { AuthorizedRequest, InboundRequest } from '../http/inbound.ts';
import { whenClosed } from '../http/when-closed.ts';
import { AnswerStream } from './answer-stream.ts';
import type { Outcome, Pass } from './breaker.ts';
import { CallBody } from './call-body.ts';
import { dispatchOptionsOf } from './dispatch-options.ts';
import type { ExchangeParts, Settle } from './exchange-parts.ts';
import { isConnectionDeath, outcomeOfProblem, outcomeOfStatus, problemOfFailure, Withdrawn } from './failure.ts';
import { insteadOf } from './instead.ts';
import { Silence } from './patience.ts';
import { CallProof } from './proof.ts';
import { Remainder } from './remainder.ts';
import { isRepeatable, wantsToken } from './repeat.ts';
import { answerHead } from './response.ts';
import { upstreamTarget } from './routes.ts';
import type { Line, Outgoing, OutgoingOptions } from './upstreams.ts';
import type { Controller } from './wire/connection.ts';

/** A call under way. Used once. */
export class Exchange implements Outgoing {
  readonly #parts: ExchangeParts;
  readonly #settle: Settle;
  readonly #request: InboundRequest;
  readonly #response: ServerResponse;
  readonly #path: string;
  /** The session, or the network of a client without one: whose share of connections it takes. */
  readonly party: string;
  pass: Pass | undefined; // kept by the upstream
  readonly #answer: AnswerStream;
  readonly #body: CallBody | undefined;
  protected readonly proof: CallProof;
  #authorized: AuthorizedRequest;
  line: Line | undefined;
  #controller: Controller | undefined;
  #sentAt = 0;
  readonly #silence: Silence;
  #hasAnswer = false;
  #wasResent = false;
  #mayRenew: boolean;
  /** Whether it has ended, well or not. */
  isOver = false;
  #isLeft = false; // the response is somebody else's from then on
  /** The upstream's answer goes no further; ours takes its place. */
  #remainder: Remainder | undefined;

  constructor(parts: ExchangeParts, settle: Settle) {
    const { authorized, route, limits, nonces, patience } = parts;
    this.#parts = parts;
    this.#settle = settle;
    this.#authorized = authorized;
    this.#mayRenew = parts.renew !== undefined;
    this.#request = authorized.request;
    this.#response = authorized.request.response;
    this.#path = upstreamTarget(route, this.#request);
    const onTooLong = () => {
      if (this.isOver) this.#controller?.abort(new Withdrawn());
      else this.giveUp(new ProblemError('upstream-timeout'));
    };
    this.#silence = new Silence({ patience, clock: limits.clock, limitMs: route.timeoutMs, onTooLong });
    this.party = partyOf(authorized);
    this.proof = new CallProof({ url: route.upstream.origin + this.#path, nonces, clock: limits.clock });
    const kept = this.proof.keptOf(authorized);
    if (hasBody(this.#request.headers))
      this.#body = new CallBody({ request: this.#request, route, clock: limits.clock, kept });
    this.#answer = new AnswerStream(this.#response, { limits, events: this });
  }

  /** Whether it was written to a connection, if only in part. One that is sent again is not until then. */
  get isSent(): boolean {
    return this.#controller !== undefined;
  }

  /** Sends the request as soon as its body has begun and there is a connection. */
  start(): void {
    whenClosed(this.#response, () => this.#onClientEnd());
    const { turn } = this.#parts.limits; // as answers are: see answer-stream.ts
    // Once it is sent its connection tells of a body that fails.
    if (this.#body === undefined) turn.atEnd(this);
    else this.#body.begin({ onBegun: () => turn.atEnd(this), onFailed: (error) => this.isSent || this.giveUp(error) });
  }

  run(): void {
    if (!this.isOver) this.#parts.upstream.send(this);
  }

  /** For the upstream: what is sent. */
  dispatchOptions(): OutgoingOptions {
    const options = dispatchOptionsOf(this.#authorized, { path: this.#path, body: this.#body?.content ?? null });
    this.proof.addTo(options.headers, this.#authorized);
    return options;
  }

  onLine(line: Line): void {
    this.line = line;
  }

  onOverloaded(): void {
    this.#fail(new ProblemError('overloaded'));
  }

  onRefused(problem: ProblemError): void {
    this.#fail(problem);
  }

  onRequestStart(controller: Controller): void {
    if (this.isOver) {
      controller.abort(new Withdrawn());
      return;
    }
    this.#controller = controller;
    this.#sentAt = this.#silence.begin(this.#body === undefined ? 'upstream' : 'ours');
  }

  onTurn(whose: 'upstream' | 'ours'): void {
    this.#silence.turnTo(whose);
  }

  onResponseStarted(): void {
    this.#hasAnswer = true;
    if (this.line) this.line.answers++;
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // interim answers end here: the client asked us, not the upstream
    this.#tellOfAnswer(outcomeOfStatus(status));
    const answer = { headers, of: this.#authorized };
    const verdict = this.proof.judge(status, answer);
    if (verdict === 'repeat') this.#sendAgain(controller, this.#authorized);
    else if (verdict === 'refused') controller.abort(new ProblemError('upstream-proof-refused'));
    // RFC 9110, 15: no status lies beyond; what sends one does not speak HTTP as we know it.
    else if (status > 599)
      controller.abort(new ProblemError('upstream-unreachable', { cause: new Error('status over 599') }));
    else if (this.#mayRenew && wantsToken(status, answer)) this.#renew(controller, { status, headers });
    else this.#openOrKeep(status, headers);
  }

  onResponseData(controller: Controller, chunk: Buffer): boolean {
    this.#silence.broken();
    const taken = (this.#remainder ?? this.#answer).write(chunk);
    if (taken === 'too much') controller.abort(new Withdrawn());
    else if (taken === 'full') this.#silence.pause(controller);
    return taken === 'done';
  }

  onResponseEnd(): void {
    this.#silence.end();
    if (!this.#remainder) this.#answer.end();
  }

  onResponseError(controller: Controller | undefined, error: Error): void {
    if ((controller ?? undefined) !== this.#controller) return;
    this.#silence.end();
    if (this.isOver) return;
    const isUnseen = (this.line?.answers ?? 0) > 0 && !this.#hasAnswer && isConnectionDeath(error); // it was used before
    if (isUnseen && !this.#wasResent && isRepeatable(this.#request)) this.#resend();
    else this.#fail(error);
  }

  onDrain(): void {
    this.#silence.resume(this.#controller);
  }

  onUnwritable(error: unknown): void {
    const problem = new ProblemError('upstream-unreachable', { cause: error });
    this.#fail(problem);
    this.#controller?.abort(problem);
  }

  #openOrKeep(status: number, headers: IncomingHttpHeaders): void {
    const problem = insteadOf(status, { headers, exchange: this.#parts });
    if (problem === undefined) {
      const head = { status, headers, route: this.#parts.route, upstreamPath: this.#path };
      this.#answer.open(status, answerHead(this.#request, head));
    } else {
      this.#remainder = new Remainder();
      this.#fail(problem);
      this.#silence.goOn(); // what is still to come of it must come, too
    }
  }

  /** Ends it while there is no answer: the upstream's connection is broken, and `error` tells the pipeline what to say. */
  giveUp(error: unknown): void {
    if (this.isOver) return;
    this.#fail(error);
    this.#parts.upstream.cancel(this);
    this.#controller?.abort(new Withdrawn());
  }

  /** Ends it without an answer of its own: both connections belong to somebody else from now on. */
  protected handOver(): void {
    this.#tellOfAnswer('success');
    this.isOver = true;
    this.#isLeft = true;
    this.#settle.resolve();
  }

  // On the same line: its connection is gone, so a fresh one is made.
  #resend(): void {
    this.#wasResent = true;
    this.#controller = undefined;
    this.line?.send(this);
  }

  // The answer is held back until it is known whether there is a better one.
  #renew(controller: Controller, { status, headers }: { status: number; headers: IncomingHttpHeaders }): void {
    this.#mayRenew = false;
    this.#silence.pause(controller);
    this.#parts.renew?.(this.#authorized, this.#parts.route).then(
      (renewed) => {
        if (this.isOver) return;
        if (renewed) this.#sendAgain(controller, renewed);
        else {
          this.#openOrKeep(status, headers);
          this.#silence.resume(controller);
        }
      },
      (error: unknown) => {
        this.#fail(error);
        controller.abort(new Withdrawn());
      },
    );
  }

  #sendAgain(old: Controller, authorized: AuthorizedRequest): void {
    this.#authorized = authorized;
    this.#controller = undefined;
    this.#hasAnswer = false;
    this.#silence.end();
    old.abort(new Withdrawn());
    this.#parts.upstream.send(this);
  }

  #fail(error: unknown): void {
    if (this.isOver) return;
    const problem = problemOfFailure(error);
    this.#judge(outcomeOfProblem(problem));
    this.#request.record.upstream ??= this.#parts.route.upstreamName;
    if (this.#answer.hasBegun) {
      this.isOver = true; // whatever ends with it is no other failure
      this.#request.record.refuse(problem.code, problem.cause);
      breakOff(this.#response);
      return;
    }
    this.#finish();
    this.#isLeft = true;
    this.#settle.reject(problem);
  }

  /** The answer has left, or the client has. */
  #onClientEnd(): void {
    if (this.#isLeft) return;
    this.#finish();
    if (!this.#response.writableFinished) {
      this.#parts.upstream.cancel(this);
      this.#controller?.abort(new Withdrawn());
    }
    this.#settle.resolve();
  }

  #tellOfAnswer(outcome: Outcome): void {
    const { record } = this.#request;
    record.upstream = this.#parts.route.upstreamName;
    record.upstreamMs = this.#silence.broken() - this.#sentAt;
    this.#judge(outcome);
  }

  #judge(outcome: Outcome): void {
    if (this.pass !== undefined) this.#parts.upstream.settle(this, outcome);
  }

  #finish(): void {
    this.isOver = true;
    this.#silence.end();
    this.#judge('unknown'); // where it was not told before: the client has left
    this.#answer.drop();
    if (this.#body === undefined) return;
    if (!this.isSent) this.#body.drop();
    discardRest(this.#request, this.#parts.limits.clock);
  }
}
