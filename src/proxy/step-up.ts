/**
 * An upstream that wants a stronger or more recent sign-in (RFC 9470), and what
 * the page is told: which, and where to send the person.
 *
 * The challenge itself goes no further: it speaks of a token that no browser has.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from '../errors.ts';
import { areContextClasses, challengesIn, signInChallenge } from '../http/challenges.ts';
import type { InboundRequest } from '../http/inbound.ts';

/** What is asked for. Neither: only that the person proves it again. */
export interface StepUp {
  /** Authentication context classes, separated by spaces, the best first. */
  readonly acrValues: string | undefined;
  /** Seconds that may have passed since the person signed in. */
  readonly maxAge: number | undefined;
}

// RFC 9110, 11.2: auth-param, its value a token or a quoted string.
const parameter = /([A-Za-z0-9_-]+)\s*=\s*(?:"([^"\\]*)"|([^\s,;"]+))/g;

/** What `WWW-Authenticate` asks for; `undefined` when it is no challenge of this kind (RFC 9470, 3). */
export function stepUpFrom(headers: IncomingHttpHeaders): StepUp | undefined {
  const text = challengesIn(headers['www-authenticate']);
  if (!text.includes('insufficient_user_authentication')) return undefined;
  const given = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(parameter))
    given.set(name.toLowerCase(), quoted ?? plain ?? '');
  if (given.get('error') !== 'insufficient_user_authentication') return undefined;
  const acrValues = given.get('acr_values') ?? '';
  const maxAge = given.get('max_age') ?? '';
  return {
    acrValues: areContextClasses(acrValues) ? acrValues : undefined, // what /login would refuse is of no use to the page
    maxAge: /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : undefined,
  };
}

/** The 401 for the page, with `acr_values`, `max_age`, and a `login_url` that asks for both. */
export function stepUpProblem({ frontend }: InboundRequest, { acrValues, maxAge }: StepUp): ProblemError {
  const asked = new URLSearchParams();
  if (acrValues !== undefined) asked.set('acr_values', acrValues);
  if (maxAge !== undefined) asked.set('max_age', String(maxAge));
  if (asked.size === 0) asked.set('prompt', 'login'); // else /login has nothing to do for who is signed in
  const login_url = `${frontend.paths.login}?${asked}`;
  return new ProblemError('step-up-needed', {
    members: {
      login_url,
      ...(acrValues && { acr_values: acrValues }),
      ...(maxAge !== undefined && { max_age: maxAge }),
    },
    headers: signInChallenge(frontend),
  });
}
