/**
 * Asks the authorization server whether it knows our addresses, at the endpoints
 * that a browser is sent to.
 *
 * The browser's request asks for no interaction (`prompt=none`), which is answered
 * at our own address or not at all (OIDC Core, 3.1.2.6).
 *
 * @module
 */

import { randomToken } from '../../base/random.ts';
import { ProblemError } from '../../errors.ts';
import { frontendOf } from '../../http/frontend.ts';
import { randomDpopKey } from '../../keys/dpop-key.ts';
import { GrantError } from '../../oidc/grant.ts';
import { JwsError } from '../../oidc/jws.ts';
import { KeySetError } from '../../oidc/key-set.ts';
import type { ProviderMetadata } from '../../oidc/metadata.ts';
import type { Provider } from '../../oidc/provider.ts';
import { adviceFor, ask } from './ask.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, skip, warn } from './finding.ts';

/** What is known beside the provider itself. */
export interface Known {
  readonly around: Around;
  readonly metadata: ProviderMetadata;
}

/** Looks at the address that sign-ins come back to, and at the one that sign-outs do. */
export async function checkAddresses(provider: Provider, known: Known): Promise<readonly Finding[]> {
  return [await redirectFinding(provider, known.around), await signOutFinding(provider, known)];
}

/** Our own addresses, as they must be registered. */
export function addressesOf(config: Around['own']) {
  const frontend = frontendOf(config);
  return { redirectUri: frontend.origin + frontend.paths.callback, afterSignOut: `${frontend.origin}/` };
}

/** What a server says that knows the address, and has nobody signed in (OIDC Core, 3.1.2.6). */
const expectedErrors: ReadonlySet<string> = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);

const register = (uri: string) => `register ${uri} at the provider, letter by letter, as a redirect URI of this client`;

async function redirectFinding(provider: Provider, around: Around): Promise<Finding> {
  const subject = 'redirect URI';
  const { redirectUri } = addressesOf(around.own);
  const url = await authorizationUrl(provider);
  if (!(url instanceof URL)) return refusedPush(url, redirectUri);
  const asked = await ask(url, { clock: around.clock, limitMs: around.own.providerTimeoutMs });
  if ('failure' in asked) return fail(subject, `the authorization endpoint: ${adviceFor(asked.failure)}`);
  const target = URL.parse(asked.headers.location ?? '', url);
  if (target?.href.startsWith(redirectUri)) return errorFinding(await errorIn(target.searchParams, provider));
  if (asked.status >= 400 && asked.status < 500) {
    return fail(subject, `the provider refuses the request (${asked.status}): ${register(redirectUri)}`);
  }
  if (asked.status >= 500) return warn(subject, `the authorization endpoint answers with status ${asked.status}`);
  return ok(subject, 'the provider answers with a page of its own');
}

// A signed response says it within (JARM, 2.1); what cannot be verified is told by whoever signs in.
async function errorIn(parameters: URLSearchParams, provider: Provider): Promise<string> {
  const jwt = parameters.get('response');
  if (jwt === null) return parameters.get('error') ?? '';
  try {
    return String((await provider.verifyResponse(jwt)).claims['error'] ?? '');
  } catch (error) {
    if (error instanceof JwsError || error instanceof KeySetError || error instanceof ProblemError) return 'unverified';
    throw error;
  }
}

function errorFinding(error: string): Finding {
  if (error === '' || expectedErrors.has(error)) return ok('redirect URI', 'is registered');
  if (error === 'invalid_scope')
    return fail(
      'scopes',
      'SCOPES has one that the provider refuses (invalid_scope): allow it for this client or leave it out',
    );
  if (error === 'invalid_target')
    return fail('audience', 'API_AUDIENCE is refused (invalid_target): register that resource, or leave it out');
  if (error === 'unauthorized_client')
    return fail(
      'client',
      'may not use the authorization code flow: allow the grant type authorization_code at the provider',
    );
  return warn(
    'redirect URI',
    `is registered, and the provider answered ${/^[\w.-]{1,64}$/.test(error) ? error : 'an error'}`,
  );
}

async function authorizationUrl(provider: Provider): Promise<unknown> {
  const [state, nonce, codeChallenge] = [randomToken(256), randomToken(256), randomToken(256)];
  try {
    const dpopKey = randomDpopKey();
    return await provider.authorizationUrl({ state, nonce, codeChallenge, dpopKey, prompt: 'none' });
  } catch (error) {
    if (error instanceof ProblemError) return error.cause;
    throw error;
  }
}

function refusedPush(cause: unknown, redirectUri: string): Finding {
  const reason = cause instanceof GrantError ? cause.reason : 'no answer';
  if (cause instanceof GrantError && cause.kind === 'client-refused')
    return skip('redirect URI', `could not be looked at: the client is refused (${reason})`);
  if (reason === 'invalid_scope' || reason === 'invalid_target') return errorFinding(reason);
  if (cause instanceof GrantError && cause.kind === 'refused')
    return fail('redirect URI', `the pushed request is refused (${reason}): ${register(redirectUri)}`);
  return warn('redirect URI', `the pushed request was not answered (${reason})`);
}

async function signOutFinding(provider: Provider, { around, metadata }: Known): Promise<Finding> {
  const subject = 'sign-out';
  if (around.own.dialect.endSession.method === 'form') {
    return skip(subject, 'is by a form with the ID token of a session, and there is none here (END_SESSION_METHOD)');
  }
  const { afterSignOut } = addressesOf(around.own);
  const url = provider.endSessionUrl({ postLogoutRedirectUri: afterSignOut, state: randomToken(128) });
  if (url === undefined) {
    const isMeant = metadata.end_session_endpoint !== undefined || around.own.dialect.endSession.endpoint === 'none';
    return isMeant
      ? ok(subject, 'ends the session here alone, as END_SESSION_ENDPOINT=none says')
      : warn(
          subject,
          'the provider has no end_session_endpoint: a sign-out ends the session here, and the one at the provider lives on',
        );
  }
  const asked = await ask(url, { clock: around.clock, limitMs: around.own.providerTimeoutMs });
  if ('failure' in asked) return fail(subject, `the end-session endpoint: ${adviceFor(asked.failure)}`);
  if (asked.status >= 400 && asked.status < 500) {
    return fail(
      subject,
      `the provider refuses to lead back (${asked.status}): register ${afterSignOut} as a post-logout redirect URI of this client`,
    );
  }
  if (asked.status >= 500) return warn(subject, `the end-session endpoint answers with status ${asked.status}`);
  return URL.parse(asked.headers.location ?? '', url)?.href.startsWith(afterSignOut) === true
    ? ok(subject, 'leads back to the page')
    : ok(subject, 'is taken, and the provider answers with a page of its own');
}
