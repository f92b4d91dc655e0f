/**
 * The authorization server: the one door to openid-client.
 *
 * The library builds requests, authenticates the client and makes the first checks
 * of an answer. It verifies no signature here: the key it would use is up to a
 * minute old, ours is not (key-set.ts). Every ID token goes through id-tokens.ts
 * afterwards, and nothing of an answer is used before that (CB-14).
 *
 * Each call's request goes through the back channel, and its answer is kept: a rotated
 * refresh token must not be lost because the ID token beside it could not be checked.
 *
 * @module
 */

import * as library from 'openid-client';
import { dpopKeyIf as keyOf, randomDpopKey } from '../keys/dpop-key.ts';
import type { TokenSet, UsableToken } from '../session/session.ts';
import { audienceOf, authorizationQuery, scopesFor } from './authorization-query.ts';
import { responseAt } from './authorization-response.ts';
import { BackChannel } from './back-channel.ts';
import { idTokenTypes } from './checks.ts';
import { ClientCalls } from './client-calls.ts';
import type { ClientKey } from './client-key.ts';
import {
  type AskedAnswer,
  derivedTokenFrom,
  exchangeGrantType,
  exchangeParameters,
  type TokenTarget,
  targetParameters,
} from './derived-token.ts';
import {
  type EndSessionForm,
  type EndSessionParameters,
  endSessionAddress,
  endSessionEndpoint,
  endSessionFormOf,
} from './end-session.ts';
import { type Grant, GrantError } from './grant.ts';
import { type Failure, problemOfPush } from './grant-failure.ts';
import { IdTokens } from './id-tokens.ts';
import { IssuerDocuments } from './issuer-documents.ts';
import type { ExpectedJws, VerifiedJws } from './key-set.ts';
import type { ProviderMetadata } from './metadata.ts';
import type { AuthorizationParameters, ProviderOptions, Redemption, RefreshOptions } from './provider-options.ts';
import type { JsonObject } from './strict-json.ts';
import { grantFrom, readTokenAnswer, tokensIn } from './token-answer.ts';
import { readSignedUserInfo } from './user-info.ts';

/** A token answer that kept to its grammar; its ID token is still to be checked. */
interface Asked extends AskedAnswer {
  readonly metadata: ProviderMetadata;
  readonly keepsIdToken: boolean;
}

/** Speaks with one authorization server as one client. */
export class Provider {
  readonly issuer: string;
  readonly #options: ProviderOptions;
  readonly #channel: BackChannel;
  readonly #documents: IssuerDocuments;
  readonly #idTokens: IdTokens;
  readonly #calls: ClientCalls;
  /** What the client's own tokens are bound to. They are held in memory, and so is it. */
  readonly #ownKey = randomDpopKey();

  constructor(options: ProviderOptions) {
    const { clock, issuer, client, dialect } = options;
    this.issuer = issuer;
    this.#options = options;
    this.#channel = new BackChannel(options);
    this.#documents = new IssuerDocuments(options, this.#channel);
    this.#idTokens = new IdTokens({ keys: this.#documents, issuer, clientId: client.id, clock, dialect });
    this.#calls = new ClientCalls(options, this.#channel);
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
    const endpoint = endSessionEndpoint(this.#endSession);
    return endpoint === undefined ? undefined : new URL(endpoint).origin;
  }

  /** The public halves of the client's keys, to be published: those it proves itself with, and the one tokens are encrypted to. */
  get clientJwks(): readonly ClientKey['publicJwk'][] {
    const supported = this.#documents.metadata?.token_endpoint_auth_signing_alg_values_supported;
    const signing = (this.#calls.proof.keys?.published ?? []).map((key) => ({
      ...key.publicJwk,
      alg: key.algorithmFor(supported),
    }));
    return [...signing, ...this.#calls.decryption.published];
  }

  /**
   * Reads other secrets, keys and another certificate, and gives what puts them in
   * place for calls from now on and cannot fail. Throws when one cannot be used.
   */
  prepareClient(client: ProviderOptions['client']): () => void {
    const { proof, decryption } = this.#calls;
    const swapCertificate = this.#channel.prepareCertificate(client.certificate);
    const swaps = [proof.prepare(client), decryption.prepare(client.decryption), swapCertificate];
    return () => {
      for (const swap of swaps) swap();
    };
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
    if (metadata.pushed_authorization_request_endpoint === undefined) {
      return library.buildAuthorizationUrl(this.#calls.configurationFor(metadata), query);
    }
    try {
      const key = keyOf(this.#bound(parameters.dpopKey));
      const to = { endpoint: 'pushed-request', request: 'other', metadata, key } as const;
      return (await this.#calls.ask(to, (configuration) => library.buildAuthorizationUrlWithPAR(configuration, query)))
        .result;
    } catch (cause) {
      throw problemOfPush(cause);
    }
  }

  /** Exchanges the code of an authorization response whose state was found to be ours and unused. Throws {@link GrantError}. */
  async redeem(redemption: Redemption): Promise<Grant> {
    const { state, nonce, verifier, callbackParameters, dpopKey } = redemption;
    const response = responseAt(this.#options.redirectUri, callbackParameters);
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
    const ask = (to: library.Configuration) => library.authorizationCodeGrant(to, response, checks, this.#resource());
    const { answer, metadata, ...asked } = await this.#tokens(ask, { request: 'code', dpopKey: this.#bound(dpopKey) });
    const algorithms = metadata.id_token_signing_alg_values_supported;
    const idToken = await this.#idTokens.ofSignIn(answer, { redemption, algorithms });
    return grantFrom(answer, { ...asked, idToken, askedScope: scopesFor(this.#options, metadata) });
  }

  /**
   * Spends a refresh token. Throws {@link GrantError}; see there what is known of the token then.
   *
   * When only the key set is out of reach the tokens are given without the claims
   * of the ID token: the answer cannot be had a second time.
   */
  async refresh(
    refreshToken: string,
    { audience, previous, dpopKey = this.#bound(randomDpopKey()) }: RefreshOptions,
  ): Promise<Grant> {
    const ask = (to: library.Configuration) => library.refreshTokenGrant(to, refreshToken, this.#resource(audience));
    const { answer, metadata, ...asked } = await this.#tokens(ask, { request: 'refresh', dpopKey });
    const algorithms = metadata.id_token_signing_alg_values_supported;
    const idToken = await this.#idTokens.ofRefresh(answer, { previous, algorithms });
    return grantFrom(answer, { ...asked, idToken, askedScope: previous.scope ?? scopesFor(this.#options, metadata) });
  }

  /** A token of the client's own, of no person (RFC 6749, 4.4). Throws {@link GrantError}. */
  async clientToken(target: TokenTarget): Promise<TokenSet> {
    const ask = (to: library.Configuration) =>
      library.clientCredentialsGrant(to, targetParameters(target, this.#options.dialect));
    return derivedTokenFrom(await this.#tokens(ask, { request: 'other', dpopKey: this.#bound(this.#ownKey) }), target);
  }

  /** A token for another service, in exchange for one of a person's, bound to the same key (RFC 8693). Throws {@link GrantError}. */
  async exchange(subject: UsableToken, target: TokenTarget): Promise<TokenSet> {
    const parameters = exchangeParameters(subject, target, this.#options.dialect);
    const ask = (to: library.Configuration) => library.genericGrantRequest(to, exchangeGrantType, parameters);
    return derivedTokenFrom(await this.#tokens(ask, { request: 'other', dpopKey: subject.dpopKey }), target);
  }

  /**
   * The claims of the person at the UserInfo endpoint; `undefined` where there is
   * none. They are refused unless `sub` is the one given (OIDC Core, 5.3.2), and a
   * signed answer unless signature, `iss` and `aud` are right. Throws {@link GrantError}.
   */
  async userInfo({ accessToken, dpopKey }: UsableToken, subject: string): Promise<JsonObject | undefined> {
    const metadata = await this.#need();
    if (metadata.userinfo_endpoint === undefined) return undefined;
    const to = { endpoint: 'user-info', request: 'other', metadata, key: keyOf(dpopKey) } as const;
    const { answer } = await this.#calls.ask(to, (configuration) =>
      library.fetchUserInfo(configuration, accessToken, subject),
    );
    const expected = { issuer: this.issuer, clientId: this.#options.client.id, subject };
    return answer?.json ?? readSignedUserInfo(answer?.text ?? '', { metadata, expected, keys: this.#documents });
  }

  /**
   * Ends a token at the server (RFC 7009). `false` where that is not offered for
   * such a token: trying again is of no use. Throws {@link GrantError}.
   */
  async revoke(token: string, hint: 'refresh_token' | 'access_token'): Promise<boolean> {
    const metadata = await this.#need();
    if (metadata.revocation_endpoint === undefined) return false;
    try {
      await this.#calls.ask({ endpoint: 'revocation', request: 'other', metadata }, (configuration) =>
        library.tokenRevocation(configuration, token, { token_type_hint: hint }),
      );
      return true;
    } catch (error) {
      if (error instanceof GrantError && error.reason === 'unsupported_token_type') return false;
      throw error;
    }
  }

  /** Where a browser ends its session at the server (RP-Initiated Logout, 2); `undefined` where that is not offered. No token goes into it. */
  endSessionUrl(parameters: EndSessionParameters): URL | undefined {
    return endSessionAddress(parameters, this.#endSession);
  }

  /** The same as a form that the browser posts, with the ID token; `undefined` also where the configuration does not ask for it. */
  endSessionForm(parameters: EndSessionParameters & { readonly idToken: string }): EndSessionForm | undefined {
    return endSessionFormOf(parameters, this.#endSession);
  }

  get #endSession() {
    const { client, dialect } = this.#options;
    return { clientId: client.id, dialect, metadata: this.#documents.metadata };
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
    return this.verify(await this.#calls.decryption.open(token), { algorithms, types, source: 'anyone' });
  }

  /** Verifies the signature of an authorization response (JARM). Throws as {@link Provider.verify}, and `provider-unreachable`. */
  async verifyResponse(token: string): Promise<VerifiedJws> {
    const { authorization_signing_alg_values_supported: algorithms } = await this.#documents.needMetadata();
    return this.verify(token, { algorithms, types: idTokenTypes, source: 'anyone' });
  }

  /** Verifies anything the server signed. Throws `JwsError`, or `KeySetError` when that cannot be known. */
  verify(token: string, expected: ExpectedJws): Promise<VerifiedJws> {
    return this.#documents.verify(token, expected);
  }

  async #tokens(
    ask: (to: library.Configuration) => Promise<unknown>,
    { request, dpopKey }: { readonly request: Failure['request']; readonly dpopKey: string | undefined },
  ): Promise<Asked> {
    const metadata = await this.#need();
    const askedAt = this.#options.clock.now();
    const asked = await this.#calls.ask({ endpoint: 'token', request, metadata, key: keyOf(dpopKey) }, ask);
    const answer = readTokenAnswer(asked.answer?.json ?? {}, dpopKey === undefined ? 'bearer' : 'dpop');
    const keepsIdToken = this.#options.dialect?.endSession.method === 'form';
    if (typeof answer !== 'string') return { answer, metadata, askedAt, dpopKey, keepsIdToken };
    throw new GrantError('invalid', { reason: answer, tokensToRevoke: tokensIn(asked.answer?.json) });
  }

  #need(): Promise<ProviderMetadata> {
    return this.#documents.needMetadata().catch((cause: unknown) => {
      throw new GrantError('unreachable', { reason: 'metadata', cause, sent: false });
    });
  }

  /** The key, where tokens are to be bound to one. */
  #bound(dpopKey: string | undefined): string | undefined {
    return this.#options.client.flow?.dpop === true ? dpopKey : undefined;
  }

  #resource(audience = this.#options.apiAudience): Readonly<Record<string, string>> {
    return audienceOf(audience, this.#options.dialect);
  }
}
