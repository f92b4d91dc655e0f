/**
 * A sign-in that failed comes back as `/?auth_error=<code>&auth_error_id=<id>`.
 * Here the code becomes a sentence for people.
 *
 * Anybody can write such a link. So only the closed set of codes has sentences,
 * and the id is shown only if it looks like one.
 *
 * @module
 */

const sentences = {
  access_denied: 'You did not sign in: the authorization server was told no.',
  login_required: 'You have to sign in yourself; it could not be done in the background.',
  login_expired: 'That took too long, and the sign-in has expired. Please start again.',
  state_mismatch: 'That sign-in was not begun in this browser, so it was stopped.',
  account_mismatch: 'You signed in as somebody else than before, so nothing was changed.',
  provider_error: 'The authorization server reported an error.',
  provider_unreachable: 'The authorization server cannot be reached. Please try again shortly.',
  acr_not_met: 'This needs a stronger sign-in than the one you used.',
  internal: 'Something went wrong on our side while signing you in.',
};

const unknownCode = 'Signing in did not work.';

/** Takes the error out of the address bar. `undefined` if there is none. */
export function takeSignInError() {
  const url = new URL(location.href);
  const code = url.searchParams.get('auth_error');
  if (code === null) return undefined;
  const id = url.searchParams.get('auth_error_id') ?? '';
  url.searchParams.delete('auth_error');
  url.searchParams.delete('auth_error_id');
  history.replaceState(history.state, '', url);
  return {
    text: Object.hasOwn(sentences, code) ? sentences[code] : unknownCode,
    ...(/^[\w-]{1,64}$/.test(id) ? { detail: `Request ${id}` } : {}),
  };
}
