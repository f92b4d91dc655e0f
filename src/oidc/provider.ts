/**
 * The authorization server: the one door to openid-client.
 *
 * The library builds requests, authenticates the client and makes the first checks
 * of an answer. It verifies no signature here: the key it would use is up to a
 * minute old, ours is not (key-set.ts). Every ID token goes through id-tokens.ts
 * afterwards, and nothing of an answer is used before that (CB-14).
 *
 * Each call has a library configuration of its own, whose request goes through the
 * back channel and whose answer is kept: a rotated refresh token must not be lost
 * because the ID token beside it could not be checked.
 *
 * @module
 */

import * as library from 'openid-client';
import { ProblemError } from '../errors.ts';
import { authorizationQuery, present, scopesFor } from './authorization-query.ts';
import { BackChannel } from './back-channel.ts';
import { type Answer, type Endpoint, libraryResponse } from './back-channel-answer.ts';
import { idTokenTypes } from './checks.ts';
import { type ClientKey, clientKeyFrom } from './client-key.ts';
import { type Grant, GrantError } from './grant.ts';
import { type Failure, grantErrorFrom, isPassing } from './grant-failure.ts';
import { IdTokens } from './id-tokens.ts';
import { IssuerDocuments } from './issuer-documents.ts';
import { type ExpectedJws, KeySetError, type VerifiedJws } from './key-set.ts';
import type { ProviderMetadata } from './metadata.ts';
import type { AuthorizationParameters, ProviderOptions, Redemption, RefreshOptions } from './provider-options.ts';
import type { JsonObject } from './strict-json.ts';
import { grantFrom, readTokenAnswer, type TokenAnswer, tokensIn } from './token-answer.ts';
import { checkSignedUserInfo } from './user-info.ts';

/** One call of the library, and what was answered to it. */
interface Call {
  readonly configuration: library.Configuration;
  answer: Answer | undefined;
}

/** A token answer that kept to its grammar; its ID token is still to be checked. */
interface Asked {
  readonly answer: TokenAnswer;
  readonly metadata: ProviderMetadata;
  /** Before the request went out, ms. */
  readonly askedAt: number;
}

/** Speaks with one authorization server as one client. */
export class Provider {
  readonly issuer: string;
  readonly #options: ProviderOptions;
  readonly #channel: BackChannel;
  readonly #documents: IssuerDocuments;
  readonly #idTokens: IdTokens;
  readonly #clientKey: ClientKey | undefined;

  constructor(options: ProviderOptions) {
    const { clock, issuer, client } = options;
    this.issuer = issuer;
    this.#options = options;
    this.#channel = new BackChannel(options);
    this.#documents = new IssuerDocuments(options, this.#channel);
    this.#idTokens = new IdTokens({ keys: this.#documents, issuer, clientId: client.id, clock });
    this.#clientKey = client.key === undefined ? undefined : clientKeyFrom(client.key);
  }

  /** Fetches metadata and keys, and keeps them new from then on. Does not throw: see {@link Provider.ready}. */
  start(): Promise<void> {
    return this.#documents.start();
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#documents.close();
    await this.#channel.close();
  }

  /** Whether the metadata has been had once. */
  get ready(): boolean {
    return this.#documents.metadata !== undefined;
  }

  /** Where a sign-out leads the browser, for `form-action`; `undefined` where that is not offered, or not known yet. */
  get endSessionOrigin(): string | undefined {
    const endpoint = this.#documents.metadata?.end_session_endpoint;
    return endpoint === undefined ? undefined : new URL(endpoint).origin;
  }

  /** The public half of the client's key, to be published; `undefined` when it proves itself otherwise. */
  get clientJwk(): ClientKey['publicJwk'] | undefined {
    return this.#clientKey?.publicJwk;
  }

  /** Whether an authorization response must name its issuer (RFC 9207, 2.4). Throws `provider-unreachable` while that is not known. */
  async namesIssuer(): Promise<boolean> {
    return (await this.#documents.needMetadata()).authorization_response_iss_parameter_supported;
  }

  /**
   * Where to send the browser. The parameters are pushed when the server offers
   * that, and then in no other way (RFC 9126, 5). Throws `provider-unreachable` or
   * `provider-answer-invalid`.
   */
  async authorizationUrl(parameters: AuthorizationParameters): Promise<URL> {
    const metadata = await this.#documents.needMetadata();
    const query = authorizationQuery(parameters, { metadata, options: this.#options });
    const call = this.#callTo('pushed-request', metadata);
    if (metadata.pushed_authorization_request_endpoint === undefined) {
      return library.buildAuthorizationUrl(call.configuration, query);
    }
    try {
      return await library.buildAuthorizationUrlWithPAR(call.configuration, query);
    } catch (error) {
      const cause = this.#failureOf('other', { call, error });
      const isAway = cause.kind === 'unreachable' && (call.answer === undefined || isPassing(call.answer.status));
      throw new ProblemError(isAway ? 'provider-unreachable' : 'provider-answer-invalid', { cause });
    }
  }

  /** Exchanges the code of an authorization response whose state was found to be ours and unused. Throws {@link GrantError}. */
  async redeem(redemption: Redemption): Promise<Grant> {
    const { state, nonce, verifier, callbackParameters } = redemption;
    const response = new URL(this.#options.redirectUri); // from the configuration: a request chooses its Host
    for (const name of ['code', 'state', 'iss']) {
      const value = callbackParameters.get(name);
      if (value !== null) response.searchParams.set(name, value);
    }
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
    const { answer, metadata, askedAt } = await this.#tokens('code', (configuration) =>
      library.authorizationCodeGrant(configuration, response, checks, this.#resource()),
    );
    const algorithms = metadata.id_token_signing_alg_values_supported;
    const idToken = await this.#idTokens.ofSignIn(answer, { redemption, algorithms });
    return grantFrom(answer, { askedAt, idToken, askedScope: scopesFor(this.#options, metadata) });
  }

  /**
   * Spends a refresh token. Throws {@link GrantError}; see there what is known of the token then.
   *
   * When only the key set is out of reach the tokens are given without the claims
   * of the ID token: the answer cannot be had a second time.
   */
  async refresh(refreshToken: string, { audience, previous }: RefreshOptions): Promise<Grant> {
    const { answer, metadata, askedAt } = await this.#tokens('refresh', (configuration) =>
      library.refreshTokenGrant(configuration, refreshToken, this.#resource(audience)),
    );
    const algorithms = metadata.id_token_signing_alg_values_supported;
    const idToken = await this.#idTokens.ofRefresh(answer, { previous, algorithms });
    return grantFrom(answer, { askedAt, idToken, askedScope: previous.scope ?? scopesFor(this.#options, metadata) });
  }

  /**
   * The claims of the person at the UserInfo endpoint; `undefined` where there is
   * none. They are refused unless `sub` is the one given (OIDC Core, 5.3.2), and a
   * signed answer unless signature, `iss` and `aud` are right. Throws {@link GrantError}.
   */
  async userInfo(accessToken: string, subject: string): Promise<JsonObject | undefined> {
    const metadata = await this.#need();
    if (metadata.userinfo_endpoint === undefined) return undefined;
    const call = this.#callTo('user-info', metadata);
    try {
      await library.fetchUserInfo(call.configuration, accessToken, subject);
      if (call.answer?.json !== undefined) return call.answer.json;
      const algorithms = metadata.userinfo_signing_alg_values_supported;
      const expected = { algorithms, types: idTokenTypes, source: 'token-endpoint' } as const;
      const jws = await this.verify(call.answer?.text ?? '', expected);
      const fault = checkSignedUserInfo(jws, { issuer: this.issuer, clientId: this.#options.client.id, subject });
      if (fault !== undefined) throw new GrantError('invalid', { reason: fault });
      return jws.claims;
    } catch (error) {
      if (error instanceof KeySetError) throw new GrantError('unreachable', { reason: 'key-set', cause: error });
      throw this.#failureOf('other', { call, error });
    }
  }

  /**
   * Ends a token at the server (RFC 7009). `false` where that is not offered for
   * such a token: trying again is of no use. Throws {@link GrantError}.
   */
  async revoke(token: string, hint: 'refresh_token' | 'access_token'): Promise<boolean> {
    const metadata = await this.#need();
    if (metadata.revocation_endpoint === undefined) return false;
    const call = this.#callTo('revocation', metadata);
    try {
      await library.tokenRevocation(call.configuration, token, { token_type_hint: hint });
      return true;
    } catch (error) {
      if (call.answer?.json?.error === 'unsupported_token_type') return false;
      throw this.#failureOf('other', { call, error });
    }
  }

  /** Where a browser ends its session at the server (RP-Initiated Logout, 2); `undefined` where that is not offered. No token goes into it. */
  endSessionUrl(parameters: {
    readonly logoutHint?: string | undefined;
    readonly postLogoutRedirectUri: string;
    readonly state?: string | undefined;
  }): URL | undefined {
    const metadata = this.#documents.metadata;
    if (metadata?.end_session_endpoint === undefined) return undefined;
    const { logoutHint: logout_hint, postLogoutRedirectUri: post_logout_redirect_uri, state } = parameters;
    const query = present({ logout_hint, post_logout_redirect_uri, state });
    return library.buildEndSessionUrl(this.#callTo('revocation', metadata).configuration, query);
  }

  /**
   * Verifies a logout token by its signature and its explicit type: what the server
   * signed for another purpose is none (Back-Channel Logout, 4.1). Without `strict` none or
   * the general one of any JWT is enough, and its claims alone tell. Throws `JwsError`, or
   * `KeySetError` or `provider-unreachable` when that cannot be known.
   */
  async verifyLogoutToken(token: string, { strict }: { readonly strict: boolean }): Promise<VerifiedJws> {
    const { id_token_signing_alg_values_supported: algorithms } = await this.#documents.needMetadata();
    const types = strict ? ['logout+jwt'] : ['logout+jwt', ...idTokenTypes];
    return this.verify(token, { algorithms, types, source: 'anyone' });
  }

  /** Verifies anything the server signed. Throws `JwsError`, or `KeySetError` when that cannot be known. */
  verify(token: string, expected: ExpectedJws): Promise<VerifiedJws> {
    return this.#documents.verify(token, expected);
  }

  async #tokens(request: Failure['request'], ask: (to: library.Configuration) => Promise<unknown>): Promise<Asked> {
    const metadata = await this.#need();
    const askedAt = this.#options.clock.now();
    const call = this.#callTo('token', metadata);
    try {
      await ask(call.configuration);
    } catch (error) {
      throw this.#failureOf(request, { call, error });
    }
    const answer = readTokenAnswer(call.answer?.json ?? {});
    if (typeof answer !== 'string') return { answer, metadata, askedAt };
    throw new GrantError('invalid', { reason: answer, tokensToRevoke: tokensIn(call.answer?.json) });
  }

  #need(): Promise<ProviderMetadata> {
    return this.#documents.needMetadata().catch((cause: unknown) => {
      throw new GrantError('unreachable', { reason: 'metadata', cause, sent: false });
    });
  }

  #resource(audience = this.#options.apiAudience): Readonly<Record<string, string>> {
    return present({ resource: audience });
  }

  #failureOf(
    request: Failure['request'],
    { call, error }: { readonly call: Call; readonly error: unknown },
  ): GrantError {
    return grantErrorFrom({ request, answer: call.answer, error, now: this.#options.clock.now() });
  }

  #callTo(endpoint: Endpoint, metadata: ProviderMetadata): Call {
    const proof = this.#clientAuthentication(metadata);
    const configuration = new library.Configuration(
      serverMetadata(metadata),
      this.#options.client.id,
      undefined,
      proof,
    );
    const call: Call = { configuration, answer: undefined };
    // Where plain http may go is decided by metadata.ts and the back channel, how long it may take by the latter.
    library.allowInsecureRequests(configuration);
    configuration.timeout = undefined;
    configuration[library.customFetch] = async (url, { method, headers, body }) => {
      const form = body === null || body === undefined ? undefined : String(body);
      call.answer = await this.#channel.ask({ endpoint, url, method, headers, body: form });
      return libraryResponse(call.answer);
    };
    return call;
  }

  #clientAuthentication(metadata: ProviderMetadata): library.ClientAuth {
    const { authMethod, secret } = this.#options.client;
    if (authMethod === 'client_secret_basic') return library.ClientSecretBasic(secret?.reveal());
    if (authMethod === 'client_secret_post') return library.ClientSecretPost(secret?.reveal());
    if (this.#clientKey === undefined) throw new Error('private_key_jwt needs a key');
    const algorithm = this.#clientKey.algorithmFor(metadata.token_endpoint_auth_signing_alg_values_supported);
    // Without `kid`: one key needs no name (OIDC Core, 10.1), and a name that the server was not told makes some refuse it.
    return library.PrivateKeyJwt(this.#clientKey.signingKey(algorithm), {
      [library.modifyAssertion]: (header, payload) => {
        header.alg = algorithm;
        delete payload.nbf; // says what iat says, and a server whose clock is a little behind refuses it
      },
    });
  }
}

function serverMetadata({ passedOver: _passedOver, ...members }: ProviderMetadata): library.ServerMetadata {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as library.ServerMetadata; // the same members; the library's type wants writable lists
}
