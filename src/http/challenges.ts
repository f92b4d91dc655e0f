/**
 * The challenges of a 401: ours, to a page that must send its person to sign in, and
 * what others say in theirs.
 *
 * @module
 */

import type { Frontend } from './frontend.ts';

/** The header of ours: a 401 needs a challenge (RFC 9110, 15.5.2), and cookies have no registered scheme. */
export function signInChallenge({ paths }: Pick<Frontend, 'paths'>): { readonly 'WWW-Authenticate': string } {
  return { 'WWW-Authenticate': `Cookie realm="claimcheck", form-action="${paths.login}"` };
}

/** Values that may stand in a list of them, and ten of those. */
const contextClasses = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}(?: [\x21\x23-\x5b\x5d-\x7e]{1,256}){0,9}$/;

/** Whether a text is a list of authentication context classes as `/login` takes it in `acr_values`. */
export function areContextClasses(text: string): boolean {
  return text.length <= 1024 && contextClasses.test(text);
}

/** All challenges of an answer in one text (RFC 9110, 11.6.1). */
export function challengesIn(authenticate: string | readonly string[] | undefined): string {
  return [authenticate ?? ''].flat().join(', ');
}
