/**
 * A small relying party for tests of the provider itself, and for tests that want
 * tokens without a whole server in between.
 *
 * `signIn` uses openid-client, with signatures checked; `redeem` uses nothing but
 * fetch, so that it also brings home what a library would refuse.
 *
 * @module
 */

import * as oidc from 'openid-client';
import type { HostileProvider } from '../hostile-provider.ts';
import type { JsonObject } from './json.ts';
import { parseUnverifiedJws, type UnverifiedJws } from './signature.ts';

/** The redirect URI of this relying party. Nobody listens there: the browser's part is played by `followNowhere`. */
export const redirectUri = 'http://127.0.0.1:9/callback';

/** How `discover` and `signIn` behave. */
export interface RelyingPartyOptions {
  /** Client authentication; `client_secret_basic` by default. */
  readonly auth?: oidc.ClientAuth | undefined;
  /** Scope; `openid offline_access` by default. */
  readonly scope?: string | undefined;
  /** Push the authorization request. */
  readonly par?: boolean | undefined;
  /** Bind the tokens to a key. */
  readonly dpop?: oidc.DPoPHandle | undefined;
  /** Further authorization parameters. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** A finished sign-in. */
export interface SignedIn {
  readonly tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
  /** Where the provider sent the browser. */
  readonly callback: URL;
  readonly nonce: string;
}

/** The provider's metadata, read by openid-client with `http` allowed and signatures checked. */
export async function discover(
  provider: HostileProvider,
  { auth }: RelyingPartyOptions = {},
): Promise<oidc.Configuration> {
  const { clientId, clientSecret, idTokenSignedResponseAlg } = provider.client;
  const alg = idTokenSignedResponseAlg ?? provider.keys.active.alg;
  const metadata = { id_token_signed_response_alg: alg };
  const execute = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks];
  return oidc.discovery(new URL(provider.issuer), clientId, metadata, auth ?? oidc.ClientSecretBasic(clientSecret), {
    execute,
  });
}

/** Opens a URL of the provider as a browser does that goes no further: the address it is sent to. */
export async function followNowhere(url: URL): Promise<URL> {
  const response = await fetch(url, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`no redirect but ${response.status}: ${await response.text()}`);
  return new URL(location);
}

/** A whole sign-in with openid-client; rejects where the library refuses. */
export async function signIn(config: oidc.Configuration, options: RelyingPartyOptions = {}): Promise<SignedIn> {
  const { scope = 'openid offline_access', par = false, dpop } = options;
  const verifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  const challenge = await oidc.calculatePKCECodeChallenge(verifier);
  const parameters = {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  };
  const all = { ...parameters, ...options.parameters };
  const proof = dpop ? { DPoP: dpop } : {};
  const url = par
    ? await oidc.buildAuthorizationUrlWithPAR(config, all, proof)
    : oidc.buildAuthorizationUrl(config, all);
  const callback = await followNowhere(url);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(config, callback, checks, undefined, proof);
  return { tokens, callback, nonce };
}

/** The verifier `authorize` binds its codes to. */
export const fixedVerifier = 'v'.repeat(43);

/** An authorization request by hand, with a fixed verifier: where the browser is sent. */
export async function authorize(
  provider: HostileProvider,
  changes: Readonly<Record<string, string>> = {},
): Promise<URL> {
  const url = new URL(`${provider.issuer}/authorize`);
  const challenge = await oidc.calculatePKCECodeChallenge(fixedVerifier);
  const parameters = {
    ...{
      client_id: provider.client.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      state: 's1',
      nonce: 'n1',
    },
    ...{ scope: 'openid offline_access', code_challenge: challenge, code_challenge_method: 'S256', ...changes },
  };
  url.search = new URLSearchParams(parameters).toString();
  return followNowhere(url);
}

/** A token request by hand, authenticated by `client_secret_basic`. */
export function postToken(provider: HostileProvider, form: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(`${provider.issuer}/token`, {
    method: 'POST',
    redirect: 'manual',
    headers: { authorization: basicFor(provider) },
    body: new URLSearchParams(form),
  });
}

/** The `Authorization` header of the provider's client. */
export function basicFor({ client }: HostileProvider): string {
  const pair = [client.clientId, client.clientSecret ?? ''].map(encodeURIComponent).join(':');
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** A code turned into whatever the provider answers, whole and unchecked. */
export async function redeem(provider: HostileProvider): Promise<JsonObject> {
  const code = (await authorize(provider)).searchParams.get('code') ?? '';
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: fixedVerifier };
  const response = await postToken(provider, form);
  const json: unknown = await response.json();
  return { status: response.status, ...(json as JsonObject) }; // a token answer is an object, or the test fails on it
}

/** The ID token of a fresh sign-in, taken apart but not verified. */
export async function freshIdToken(provider: HostileProvider): Promise<UnverifiedJws & { readonly compact: string }> {
  const compact = String((await redeem(provider)).id_token);
  const jws = parseUnverifiedJws(compact);
  if (!jws) throw new Error(`no JWS: ${compact.slice(0, 100)}`);
  return { ...jws, compact };
}

/** A refresh by hand: the status and the answer. */
export async function refresh(provider: HostileProvider, refreshToken: unknown): Promise<JsonObject> {
  const response = await postToken(provider, { grant_type: 'refresh_token', refresh_token: String(refreshToken) });
  const json: unknown = await response.json();
  return { status: response.status, ...(json as JsonObject) }; // as above
}
