/**
 * `GET /session/events`: tells the page at once what happens to its session, as
 * server-sent events.
 *
 * `state` on open, `refreshed`, `claims-changed` and `expiring` carry the body of
 * `GET /session`; `ended` carries the reason and ends the stream. Listening is no
 * activity, asks the store once, and then nothing until an end comes near.
 *
 * What is told comes from session/session-watch.ts; how it is sent from
 * http/event-stream.ts.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { randomFraction } from '../base/random.ts';
import { ProblemError } from '../errors.ts';
import { EventStream } from '../http/event-stream.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { underWay } from '../http/reply.ts';
import { type EndReason, endOf, type OpenedSession } from '../session/session.ts';
import type { SessionChange, SessionWatch } from '../session/session-watch.ts';
import { signedOut } from '../session/signed-out.ts';
import { type DescribingParts, describeSession } from './session-info.ts';

/** What the streams are made from. */
export interface SessionEventsParts extends DescribingParts {
  /** The session of a request, without counting as activity. */
  readonly sessions: { look(request: ClearedRequest): Promise<OpenedSession | undefined> };
  readonly watch: Pick<SessionWatch, 'watch'>;
  readonly clock: Clock;
  /** Streams at a time: of one session, and of this process. */
  readonly limits?: { readonly perSession: number; readonly inAll: number } | undefined;
}

/** A page opens one for all its tabs; twenty leave room for browsers without locks and connections that died unseen. */
const usualLimits = { perSession: 20, inAll: 10_000 } as const;
/** Browsers that lost their streams together come back spread over this time, ms. */
const comeBackMs = { least: 1_000, spread: 4_000 } as const;

/** The open streams of one process. */
export class SessionEvents {
  readonly #parts: SessionEventsParts;
  readonly #open = new Map<string, number>();
  readonly #streams = new Set<EventStream>();
  #isClosing = false;

  constructor(parts: SessionEventsParts) {
    this.#parts = parts;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#streams.size;
  }

  /**
   * Opens a stream. Throws `session-ended` (401) when nobody is signed in,
   * `too-many-streams`, `overloaded`, or `store-unavailable`.
   */
  async answer(request: ClearedRequest): Promise<typeof underWay> {
    const { sessions, clock } = this.#parts;
    // A HEAD would be an answer without a body and without an end.
    if (request.method !== 'GET') throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET, OPTIONS' } });
    const session = await sessions.look(request);
    if (session === undefined || clock.now() >= endOf(session)) throw signedOut(request.frontend);
    if (!request.response.destroyed) this.#begin(request, session);
    return underWay;
  }

  /** Ends every stream, and lets browsers come back elsewhere, or here once there is a process again. */
  close(): void {
    this.#isClosing = true;
    for (const stream of this.#streams) {
      stream.retryAfter(comeBackAfterMs());
      stream.end();
    }
  }

  #begin(request: ClearedRequest, session: OpenedSession): void {
    const { clock, watch } = this.#parts;
    const { id } = session;
    this.#count(id);
    const stream = new EventStream(request, {
      clock,
      onClosed: () => {
        stop();
        this.#streams.delete(stream);
        this.#uncount(id);
      },
    });
    this.#streams.add(stream);
    stream.retryAfter(comeBackAfterMs());
    stream.send('state', describeSession(session, request.frontend, this.#parts));
    // What is told at once is told behind the state.
    const stop = watch.watch(session, (change) => this.#tell(stream, request, change));
  }

  #tell(stream: EventStream, { frontend }: ClearedRequest, change: SessionChange): void {
    if (change.kind === 'ended') {
      stream.send('ended', { reason: publicReasonOf(change.reason), login_url: frontend.paths.login });
      stream.end();
    } else stream.send(change.kind, describeSession(change.session, frontend, this.#parts));
  }

  #count(id: string): void {
    const { perSession, inAll } = this.#parts.limits ?? usualLimits;
    const open = this.#open.get(id) ?? 0;
    if (open >= perSession) throw new ProblemError('too-many-streams');
    if (this.#isClosing || this.#streams.size >= inAll) throw new ProblemError('overloaded');
    this.#open.set(id, open + 1);
  }

  #uncount(id: string): void {
    const open = (this.#open.get(id) ?? 1) - 1;
    if (open === 0) this.#open.delete(id);
    else this.#open.set(id, open);
  }
}

// Another sign-in in the same browser ended it: for the page that was the sign-out of whoever was there.
function publicReasonOf(reason: EndReason): Exclude<EndReason, 'replaced'> {
  return reason === 'replaced' ? 'signed-out' : reason;
}

function comeBackAfterMs(): number {
  return comeBackMs.least + randomFraction() * comeBackMs.spread;
}
