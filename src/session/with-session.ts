/**
 * Breaks off what is under way for a session when that ends: an upstream's event
 * stream, a download. What would be whole in a moment is left that moment; what was
 * not sent yet is not sent any more.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { ProblemError } from '../errors.ts';
import { breakOff } from '../http/break-off.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';
import { whenClosed } from '../http/when-closed.ts';
import { isOpened } from './session.ts';
import type { SessionWatch } from './session-watch.ts';
import { signedOut } from './signed-out.ts';

/** What it needs. */
export interface WithSessionParts {
  readonly watch: Pick<SessionWatch, 'watch'>;
  readonly clock: Pick<Clock, 'after'>;
}

/** For calls that were sent before the sign-out and are about to be answered; ms. */
const graceMs = 500;

/** Names what shall be done, with the answer for the browser, when the session has ended; at once where it has. */
type WhenEnded = (act: (problem: ProblemError) => void) => void;

/** Runs `task`, which answers the request, no longer than its session lives. It is over when the response is closed. */
export function withSession(
  { request, session }: AuthorizedRequest,
  task: (whenEnded?: WhenEnded) => Promise<void>,
  { watch, clock }: WithSessionParts,
): Promise<void> {
  const { response, frontend } = request;
  if (!isOpened(session) || response.closed) return task();
  let cancel: (() => void) | undefined;
  let act: Parameters<WhenEnded>[0] = () => undefined;
  const stop = watch.watch(session, ({ kind }) => {
    if (kind !== 'ended') return;
    cancel = clock.after(graceMs, () => breakOff(response));
    act(signedOut(frontend));
  });
  whenClosed(response, () => {
    stop();
    cancel?.();
  });
  return task((asked) => {
    act = asked;
    if (cancel !== undefined) act(signedOut(frontend));
  });
}

/**
 * Tells `onEnded` when the session of a request ends, until the returned function
 * is called. A request without a session has none that could end.
 */
export function whileSession(
  { session }: AuthorizedRequest,
  onEnded: () => void,
  { watch }: Pick<WithSessionParts, 'watch'>,
): () => void {
  if (!isOpened(session)) return () => undefined;
  return watch.watch(session, ({ kind }) => {
    if (kind === 'ended') onEnded();
  });
}
