/**
 * Asks the authorization server whether it knows us: as a client at its token
 * endpoint, and by our addresses at the endpoints a browser is sent to.
 *
 * Nothing is spent: the refresh token that is presented does not exist, and the
 * browser's request asks for no interaction (`prompt=none`), which is answered at
 * our own address or not at all (OIDC Core, 3.1.2.6).
 *
 * @module
 */

import { randomToken } from '../../base/random.ts';
import type { ClientAuthMethod, FrontendConfig } from '../../config/config.ts';
import { ProblemError } from '../../errors.ts';
import { frontendOf } from '../../http/frontend.ts';
import { newClientKeyPem } from '../../oidc/client-key.ts';
import { FileClientKeys } from '../../oidc/client-keys.ts';
import { GrantError } from '../../oidc/grant.ts';
import type { ProviderMetadata } from '../../oidc/metadata.ts';
import { Provider } from '../../oidc/provider.ts';
import { adviceFor, ask } from './ask.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, skip, warn } from './finding.ts';

/** Looks at the client's own registration. The metadata was found to be usable before. */
export async function checkClient(around: Around, metadata: ProviderMetadata): Promise<readonly Finding[]> {
  const provider = providerFor(around);
  await provider.start();
  try {
    const client = await clientFinding(provider, around);
    const redirect = await redirectFinding(provider, around);
    const signOut = metadata.end_session_endpoint === undefined ? [] : [await signOutFinding(provider, around)];
    return [client, redirect, ...signOut];
  } finally {
    await provider.close();
  }
}

function providerFor(
  { own: config, clock }: Around,
  authMethod: ClientAuthMethod = config.client.authMethod,
): Provider {
  const { issuer, scopes, scopesAreDefault, apiAudience, providerTimeoutMs: timeoutMs } = config;
  return new Provider({
    ...{ issuer, scopes, scopesAreDefault, apiAudience, timeoutMs, clock },
    client: { ...config.client, authMethod },
    clientKeys: config.client.keyRotationMs === undefined ? undefined : new FileClientKeys(newClientKeyPem()),
    redirectUri: addressesOf(config).redirectUri,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined },
    report: () => undefined,
  });
}

function addressesOf(config: FrontendConfig) {
  const frontend = frontendOf(config);
  return { redirectUri: frontend.origin + frontend.paths.callback, afterSignOut: `${frontend.origin}/` };
}

async function clientFinding(provider: Provider, around: Around): Promise<Finding> {
  const { authMethod, keyRotationMs } = around.own.client;
  // Those keys are the server's own, and nobody else signs with them.
  if (keyRotationMs !== undefined) {
    return skip(
      'client',
      'signs with keys that the running server keeps: its log tells when the provider refuses them',
    );
  }
  const verdict = await verdictOn(provider);
  if (verdict.kind === 'known') return ok('client', `is known to the provider by ${authMethod}`);
  if (verdict.kind === 'unclear')
    return warn('client', `whether the provider knows it could not be told (${verdict.reason})`);
  if (verdict.reason === 'unauthorized_client') {
    return fail(
      'client',
      'is known, but may not use refresh tokens: allow the grant type refresh_token for this client at the provider',
    );
  }
  const other = await otherMethod(around);
  if (other !== undefined) {
    return fail(
      'client',
      `CLIENT_AUTH_METHOD=${authMethod} is refused, and ${other} is accepted: set CLIENT_AUTH_METHOD=${other}`,
    );
  }
  const proof =
    authMethod === 'private_key_jwt' ? 'CLIENT_KEY_FILE, and that the provider has its public half' : 'CLIENT_SECRET';
  return fail(
    'client',
    `is refused (${verdict.reason}): check CLIENT_ID, ${proof}, and which CLIENT_AUTH_METHOD is registered`,
  );
}

interface Verdict {
  readonly kind: 'known' | 'refused' | 'unclear';
  readonly reason: string;
}

// Whoever is not authenticated learns nothing of a grant: `invalid_grant` is said to a known client alone (RFC 6749, 5.2).
async function verdictOn(provider: Provider): Promise<Verdict> {
  try {
    const previous = { issuer: provider.issuer, subject: 'nobody', authTime: undefined };
    await provider.refresh(`claimcheck-doctor-${randomToken(128)}`, { previous });
    return { kind: 'unclear', reason: 'a refresh token that does not exist was taken' };
  } catch (error) {
    if (!(error instanceof GrantError)) throw error;
    if (error.kind === 'client-refused') return { kind: 'refused', reason: error.reason };
    return { kind: error.kind === 'refused' ? 'known' : 'unclear', reason: error.reason };
  }
}

async function otherMethod(around: Around): Promise<ClientAuthMethod | undefined> {
  const { authMethod, secret } = around.own.client;
  const other = authMethod === 'client_secret_basic' ? 'client_secret_post' : 'client_secret_basic';
  if (secret === undefined || authMethod === 'private_key_jwt') return undefined;
  const provider = providerFor(around, other);
  await provider.start();
  try {
    return (await verdictOn(provider)).kind === 'known' ? other : undefined;
  } finally {
    await provider.close();
  }
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
  if (target?.href.startsWith(redirectUri)) return errorFinding(target.searchParams.get('error') ?? '');
  if (asked.status >= 400 && asked.status < 500) {
    return fail(subject, `the provider refuses the request (${asked.status}): ${register(redirectUri)}`);
  }
  if (asked.status >= 500) return warn(subject, `the authorization endpoint answers with status ${asked.status}`);
  return ok(subject, 'the provider answers with a page of its own');
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
    return await provider.authorizationUrl({ state, nonce, codeChallenge, prompt: 'none' });
  } catch (error) {
    if (error instanceof ProblemError) return error.cause;
    throw error;
  }
}

function refusedPush(cause: unknown, redirectUri: string): Finding {
  const reason = cause instanceof GrantError ? cause.reason : 'no answer';
  if (cause instanceof GrantError && cause.kind === 'client-refused')
    return fail('redirect URI', `could not be looked at: the client is refused (${reason})`);
  if (reason === 'invalid_scope' || reason === 'invalid_target') return errorFinding(reason);
  if (cause instanceof GrantError && cause.kind === 'refused')
    return fail('redirect URI', `the pushed request is refused (${reason}): ${register(redirectUri)}`);
  return warn('redirect URI', `the pushed request was not answered (${reason})`);
}

async function signOutFinding(provider: Provider, around: Around): Promise<Finding> {
  const subject = 'sign-out';
  const { afterSignOut } = addressesOf(around.own);
  const url = provider.endSessionUrl({ postLogoutRedirectUri: afterSignOut, state: randomToken(128) });
  if (url === undefined) return warn(subject, 'the provider has no end_session_endpoint');
  const asked = await ask(url, { clock: around.clock, limitMs: around.own.providerTimeoutMs });
  if ('failure' in asked) return fail(subject, `the end-session endpoint: ${adviceFor(asked.failure)}`);
  if (asked.status >= 400 && asked.status < 500) {
    return fail(
      subject,
      `the provider refuses to lead back (${asked.status}): register ${afterSignOut} as a post-logout redirect URI of this client`,
    );
  }
  if (asked.status >= 500) return warn(subject, `the end-session endpoint answers with status ${asked.status}`);
  return ok(subject, 'leads back to the page');
}
