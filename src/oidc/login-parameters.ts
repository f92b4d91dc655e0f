/**
 * What may be said when a sign-in is started: a few parameters, each of a type,
 * each at most once. Pure.
 *
 * Everything else in the query is ignored; nothing of it reaches the
 * authorization request (LS-10).
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import { areContextClasses } from '../http/challenges.ts';
import type { Attempt } from './transaction.ts';

/** The parameters of `/login`, checked. */
export interface LoginParameters {
  /** As sent; return-path.ts decides about it. Empty when it was not. */
  readonly returnTo: string;
  /** 1 when the callback sent the browser here to try once more. */
  readonly attempt: Attempt;
  /** A set of OIDC Core's words, separated by spaces. */
  readonly prompt: string | undefined;
  readonly loginHint: string | undefined;
  readonly uiLocales: string | undefined;
  readonly acrValues: string | undefined;
  /** Seconds. */
  readonly maxAge: number | undefined;
}

/** The name of the parameter that tells a retry. */
export const attemptParameter = 'attempt';

const names = ['return_to', attemptParameter, 'prompt', 'login_hint', 'ui_locales', 'acr_values', 'max_age'] as const;

const prompts: ReadonlySet<string> = new Set(['none', 'login', 'consent', 'select_account']);
/** RFC 5646 in outline: subtags of letters and digits. */
const locales = /^[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}(?: [A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7}){0,9}$/;
const maxHintLength = 256;
const controlCharacter = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u;

/** Reads the query of `/login`. Throws `parameter-invalid`. */
export function loginParametersFrom(search: string): LoginParameters {
  const query = new URLSearchParams(search);
  if (names.some((name) => query.getAll(name).length > 1)) throw new ProblemError('parameter-invalid');
  // One without a value counts as left out (RFC 6749, 3.1).
  const given = (name: (typeof names)[number]) => query.get(name) || undefined;
  return {
    returnTo: given('return_to') ?? '',
    attempt: given(attemptParameter) === '1' ? 1 : 0,
    prompt: checked(given('prompt'), isPrompt),
    loginHint: checked(given('login_hint'), (hint) => hint.length <= maxHintLength && !controlCharacter.test(hint)),
    uiLocales: checked(given('ui_locales'), (value) => locales.test(value)),
    acrValues: checked(given('acr_values'), areContextClasses),
    maxAge: maxAgeFrom(given('max_age')),
  };
}

/** Whether somebody who is signed in shall be asked to prove it again, or in another way. */
export function isReauthentication({ prompt, acrValues, maxAge }: LoginParameters): boolean {
  return prompt !== undefined || acrValues !== undefined || maxAge !== undefined;
}

function checked(value: string | undefined, isValid: (value: string) => boolean): string | undefined {
  if (value !== undefined && !isValid(value)) throw new ProblemError('parameter-invalid');
  return value;
}

// `none` forbids every page, so nothing can stand beside it (OIDC Core, 3.1.2.1).
function isPrompt(value: string): boolean {
  const words = value.split(' ');
  const isSet = new Set(words).size === words.length && words.every((word) => prompts.has(word));
  return isSet && (words.length === 1 || !words.includes('none'));
}

/**
 * The age of a sign-in at the authorization server that is asked for and checked, seconds: as a request of the page asks
 * (`maxAge`), and never more than the configuration allows. `undefined`: any will do.
 */
export function oldestAllowed(maxAge: number | undefined, limitMs: number | undefined): number | undefined {
  if (limitMs === undefined) return maxAge;
  return Math.min(maxAge ?? Number.POSITIVE_INFINITY, Math.floor(limitMs / 1000));
}

function maxAgeFrom(value: string | undefined): number | undefined {
  const text = checked(value, (digits) => /^\d{1,9}$/.test(digits));
  return text === undefined ? undefined : Number(text);
}
