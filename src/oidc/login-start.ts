/**
 * Who may start a sign-in: a person who follows a link, from anywhere, or our own
 * page that asks for the address. Pure.
 *
 * A frame, an image or a script of another site may not: it would start what the
 * person never sees, or lead them to sign in inside a foreign page (LS-23).
 *
 * @module
 */

import { allow, type Decision, deny } from '../guards/decision.ts';

/** The facts of a request that this guard looks at, as sent. */
export interface StartRequestFacts {
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
  readonly origin: string | undefined;
  readonly accept: string | undefined;
  readonly purpose: string | undefined;
}

/** Origins whose scripts may ask for the address. */
export interface StartPolicy {
  readonly selfOrigin: string;
  readonly trustedOrigins: ReadonlySet<string>;
}

/** The form in which the address is given: by redirect, or as JSON. */
export type StartForm = 'redirect' | 'json';

/** Decides whether the sign-in may be started, and how the answer is given. */
export function checkStart(facts: StartRequestFacts, policy: StartPolicy): Decision & { readonly form?: StartForm } {
  if (isSpeculative(facts.purpose)) return deny('not-a-navigation');
  if (facts.fetchDest === 'document') return { ...allow, form: 'redirect' };
  if (facts.fetchDest === 'empty')
    return isOwnScript(facts, policy) ? { ...allow, form: 'json' } : deny('not-a-navigation');
  // A browser that says nothing at all is an old one; one that says something says what it is for, too.
  const isSilent = facts.fetchDest === undefined && facts.fetchSite === undefined && facts.fetchMode === undefined;
  return isSilent ? { ...allow, form: 'redirect' } : deny('not-a-navigation');
}

/** Whether a browser fetches only in case somebody will ask: nothing may be spent on it. */
export function isSpeculative(purpose: string | undefined): boolean {
  return /prefetch|preview|prerender/i.test(purpose ?? '');
}

/** What a request says of its purpose, in the spellings of the browsers. */
export function purposeOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): string | undefined {
  const said = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].flatMap((name) => headers[name] ?? []);
  return said.length === 0 ? undefined : said.join(', ');
}

function isOwnScript(
  { fetchSite, origin, accept }: StartRequestFacts,
  { selfOrigin, trustedOrigins }: StartPolicy,
): boolean {
  if (!(accept ?? '').includes('application/json')) return false;
  if (origin === undefined || origin === selfOrigin) return fetchSite === 'same-origin';
  return trustedOrigins.has(origin);
}
