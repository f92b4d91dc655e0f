/**
 * Answers of an upstream that the browser gets ours in the place of: a challenge
 * for a stronger sign-in, and errors where the route keeps them to itself.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from '../errors.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';
import type { Route } from './routes.ts';
import { type StepUp, stepUpFrom, stepUpProblem } from './step-up.ts';

/** Whether the person of a request is signed in as an upstream asks for already. */
export type IsSignedInAs = (authorized: AuthorizedRequest, stepUp: StepUp) => boolean;

/** What decides it beside the status. */
export interface Judged {
  readonly headers: IncomingHttpHeaders;
  readonly exchange: {
    readonly authorized: AuthorizedRequest;
    readonly route: Route;
    readonly isSignedInAs?: IsSignedInAs | undefined;
  };
}

/** Our answer, where the upstream's is not passed on. */
export function insteadOf(status: number, { headers, exchange }: Judged): ProblemError | undefined {
  if (status < 400) return undefined;
  const { authorized, route, isSignedInAs } = exchange;
  const stepUp = status === 401 && authorized.session !== undefined ? stepUpFrom(headers) : undefined;
  if (stepUp !== undefined) {
    // It asks for what it has been given: to sign in once more would lead here again.
    if (isSignedInAs?.(authorized, stepUp)) return new ProblemError('step-up-in-vain');
    return stepUpProblem(authorized.request, stepUp);
  }
  return route.maskErrors ? masked(status, headers['retry-after']) : undefined;
}

const retryAfterForm = /^(?:\d{1,9}|[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT)$/;

function masked(status: number, retryAfter: string | undefined): ProblemError {
  const isGiven = retryAfter !== undefined && retryAfterForm.test(retryAfter);
  return new ProblemError('upstream-error', { status, headers: isGiven ? { 'Retry-After': retryAfter } : {} });
}
