/**
 * `AUTHORIZATION_PARAMS`: what an authorization server wants in an authorization
 * request beside what the standards say.
 *
 * Nothing that decides over the flow, or that an answer is held against, can be set
 * here: those names are refused, whichever way they are written (LS-10).
 *
 * @module
 */

import type { Read } from './values.ts';

/**
 * Parameters of the protocol: RFC 6749, OIDC Core, 3.1.2.1, and the extensions in the
 * registry of OAuth parameters. What may be asked for in one of these ways has a setting
 * of its own or a parameter of `/login`, with the check of the answer that belongs to it.
 */
const reserved: ReadonlySet<string> = new Set([
  ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'response_type', 'response_mode'],
  ...['redirect_uri', 'scope', 'state', 'nonce', 'code_challenge', 'code_challenge_method', 'code_verifier'],
  ...['request', 'request_uri', 'registration', 'id_token_hint', 'login_hint', 'acr_values', 'max_age', 'claims'],
  ...['resource', 'audience', 'authorization_details', 'dpop_jkt', 'code', 'iss', 'error', 'response', 'grant_type'],
  ...['access_token', 'id_token', 'refresh_token', 'token', 'token_type', 'username', 'password', 'assertion'],
]);

const most = 10;
const nameForm = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** As in a query: what is not of these is percent-encoded. */
const valueForm = /^(?:[A-Za-z0-9_.~:/@!*,-]|%[0-9A-F]{2}){1,512}$/i;
const promptWords: ReadonlySet<string> = new Set(['login', 'consent', 'select_account']);

/** `access_type=offline prompt=consent` as parameters. Values are percent-encoded where they hold a space or a special character. */
export function readAuthorizationParams(text: string): Read<Readonly<Record<string, string>>> {
  const pairs = text.trim() === '' ? [] : text.trim().split(/ +/);
  const found = pairs.map(parameterIn);
  const parameters = found.filter((parameter) => parameter !== undefined);
  const names = new Set(parameters.map(([name]) => name.toLowerCase()));
  return parameters.length === pairs.length && names.size === pairs.length && pairs.length <= most
    ? { value: Object.fromEntries(parameters) }
    : {
        expected: `at most ${most} parameters such as access_type=offline, separated by spaces, each once, none of the protocol's own (scope, resource, login_hint and so on have other ways), and prompt without none`,
      };
}

function parameterIn(pair: string): readonly [string, string] | undefined {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
  if (!nameForm.test(name) || !valueForm.test(value) || reserved.has(name.toLowerCase())) return undefined;
  const decoded = decodedOf(value);
  if (decoded === undefined || (name.toLowerCase() === 'prompt' && !isPrompt(name, decoded))) return undefined;
  return [name, decoded];
}

function decodedOf(value: string): string | undefined {
  try {
    const decoded = decodeURIComponent(value);
    return /\p{Cc}/u.test(decoded) ? undefined : decoded;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

// With `none` nobody could ever sign in.
function isPrompt(name: string, value: string): boolean {
  return name === 'prompt' && value.split(' ').every((word) => promptWords.has(word));
}
