/**
 * The script of the hostile provider: every switch there is, and its honest default.
 *
 * `provider.script` is a plain object. A test writes into it and the very next
 * request shows it; `provider.reset()` brings the defaults back. A switch that
 * is typed `Changes` takes an object that is laid over the honest one
 * (`undefined` removes a member) or a function from the honest one to the new
 * one; a `Switch<T>` takes a value or a function. Functions get the request as
 * second argument, so a switch can differ from one request to the next:
 *
 * ```ts
 * provider.script.token.claims = { nonce: 'another' };
 * provider.script.token.claims = (honest) => ({ ...honest, exp: Number(honest.exp) - 600 });
 * provider.script.token.jose = { hmac: 'spki-pem' };
 * provider.script.refresh.fault = onlyNext({ kind: 'reset', at: 'before-headers' });
 * provider.script.metadata.fields = (honest, request) => (request?.nth === 1 ? honest : { ...honest, jwks_uri: other });
 * ```
 *
 * The switches all endpoints share (status, headers, content type, JSON fields,
 * raw body, fault) are in answer.ts, the faults of the transport in fault.ts,
 * those of a JWT in jose.ts.
 *
 * @module
 */

import type { AnswerSwitches } from './answer.ts';
import type { DpopSwitches } from './dpop.ts';
import type { JoseSwitches } from './jose.ts';
import type { Changes, Switch } from './json.ts';
import type { Jwk } from './keys.ts';
import type { OtherKind } from './other-kinds.ts';
import type { ResponseParameters } from './parameters.ts';

/** `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`. Wrong issuers and endpoints elsewhere are `fields`. */
export interface MetadataSwitches extends AnswerSwitches {
  /** `true` names `mtls_endpoint_aliases` (RFC 8705, section 5), which want a client certificate; needs the option `tls.clientCertificates`. */
  mtlsAliases: boolean;
}

/** `GET` and `POST /authorize`. The person at the provider is `provider.user`. */
export interface AuthorizeSwitches extends AnswerSwitches {
  /**
   * The response parameters: `{ state: undefined }`, `{ state: ['a', 'b'] }`, `{ iss: other.issuer }`,
   * `{ code: otherCode }`, `{ id_token: 'x' }`, `{ foo: 'bar' }`. They apply to errors too.
   */
  parameters?: Switch<ResponseParameters> | undefined;
  /** Answers with this error instead of a code. Further members are parameters: `error_description`, `error_uri`. */
  error?: ({ error: string } & Readonly<Record<string, string>>) | undefined;
  /** What else is wrong with a request, as the error that it gets: for providers with rules of their own. */
  refuses?: ((parameters: Readonly<Record<string, string>>) => string | undefined) | undefined;
  /** Where the parameters go, whatever `response_mode` the client asked for. */
  mode?: 'query' | 'fragment' | 'form_post' | 'query.jwt' | undefined;
  /** Another address than the client's `redirect_uri`. */
  target?: Switch<string> | undefined;
  /** Claims of the response JWT of JARM (`query.jwt`). */
  jarmClaims?: Changes | undefined;
  /** Header, key and signature of the response JWT. */
  jarmJose?: JoseSwitches | undefined;
}

/** `POST /par`. */
export interface ParSwitches extends AnswerSwitches {
  /** `true` when the metadata offers it; the start option `par` sets the default. */
  offered: boolean;
  /** `true` demands it, in the metadata and at `/authorize`. */
  required: boolean;
  /** Life of a `request_uri` in s; 60. `fields: { expires_in: … }` only says so. */
  expiresIn: number;
}

/** What makes up the answer of a token request, for a code (`script.token`) and for a refresh token (`script.refresh`). */
export interface TokenSwitches extends AnswerSwitches {
  /** Claims of the ID token. */
  claims?: Changes | undefined;
  /** Header, key, signature and form of the ID token. */
  jose?: JoseSwitches | undefined;
  /** A token of another kind in place of the ID token, validly signed: only what marks its kind gives it away. */
  idTokenKind?: OtherKind | undefined;
  /**
   * The access token: another text, or `(honest) => 'a\r\nX: 1'`. `at_hash` is made from the result, and
   * UserInfo and introspection know it, so nothing else is wrong. To lie to the client alone use `fields`.
   */
  accessToken?: Switch<string> | undefined;
  /** `opaque` (default) or `jwt` (RFC 9068). */
  accessTokenFormat: 'opaque' | 'jwt';
  /** Claims of a JWT access token. */
  accessTokenClaims?: Changes | undefined;
  /** Header, key and signature of a JWT access token. */
  accessTokenJose?: JoseSwitches | undefined;
  /** The granted scope, for real; what was asked for by default. `fields: { scope: … }` only says so. */
  scope?: Switch<string> | undefined;
  /** Life of the access token in s, for real and in `expires_in`; 300. */
  expiresIn: number;
  /** Whether the answer has an ID token (when `openid` was granted); `true`. */
  idToken: boolean;
}

/** What an honest token endpoint checks and a careless one does not. */
export type Check = 'client' | 'client-binding' | 'code-reuse' | 'code-expiry' | 'redirect-uri' | 'pkce';

/** `POST /token` for a code. */
export interface CodeSwitches extends TokenSwitches {
  /** When a refresh token comes with it: `always` (default), only with `offline_access`, only with Google's `access_type=offline`, or never. */
  refreshToken: 'always' | 'offline-access' | 'access-type' | 'never';
  /** Checks that are not made; none by default. With `pkce` and `client-binding` off, a stolen code works. */
  skip: readonly Check[];
}

/** `POST /token` for a refresh token. */
export interface RefreshSwitches extends TokenSwitches {
  /** `rotate` (default): a new refresh token each time; `keep`: the same one again; `omit`: none in the answer, the old one stays good. */
  rotation: 'rotate' | 'keep' | 'omit';
  /** A refresh token that was rotated away: `kills-family` (default) revokes the grant; `refused` only refuses; `tolerated` gives tokens again. */
  reuse: 'kills-family' | 'refused' | 'tolerated';
  /** Life of refresh tokens in s, for real; 14 days. */
  lifetime: number;
}

/** `GET /jwks`. What is published for real is `provider.keys`. */
export interface JwksSwitches extends AnswerSwitches {
  /** The keys of the answer: `[]`, or `(honest) => [unseemlyKeys.symmetric('k'), ...honest]`. */
  keys?: Switch<readonly Jwk[]> | undefined;
  /** `max-age` in s; no `Cache-Control` by default. */
  maxAge?: number | undefined;
  /** `true` (default) sends an ETag and answers `If-None-Match` with 304. */
  etag: boolean;
}

/** `GET` and `POST /userinfo`. */
export interface UserinfoSwitches extends AnswerSwitches {
  /** `true` answers with a JWT (OIDC Core, section 5.3.2). */
  signed: boolean;
  /** Claims of that JWT; those of the JSON answer are `fields`. */
  claims?: Changes | undefined;
  /** Header, key and signature of that JWT. */
  jose?: JoseSwitches | undefined;
}

/** `POST /introspect` (RFC 7662). */
export interface IntrospectSwitches extends AnswerSwitches {
  /** `true` answers with a JWT (RFC 9701); a client that asks for one by `Accept` gets it anyway. */
  signed: boolean;
  /** Claims of that JWT. */
  claims?: Changes | undefined;
  /** Header, key and signature of that JWT. `whole` replays an earlier one. */
  jose?: JoseSwitches | undefined;
}

/** `GET` and `POST /end_session`. */
export interface EndSessionSwitches extends AnswerSwitches {
  /** Parameters on the way back to the client: `{ state: 'other' }`, `{ state: undefined }`. */
  parameters?: Switch<ResponseParameters> | undefined;
  /** Whether the client's back-channel URI is told (when it registered one); `true`. */
  backchannel: boolean;
  /** What the address to come back to is called; `post_logout_redirect_uri`. Under any other name nothing is known but `client_id`. */
  returnParameter: string;
  /** When an ID token must come with a request, or it is refused with 400: never (default), always, or with an address to come back to. */
  demandsIdToken: 'never' | 'always' | 'with-address';
  /** The parameters of the client's front-channel URI: `{ iss: 'https://other' }`, `{ sid: undefined }`. */
  frontchannelParameters?: Switch<ResponseParameters> | undefined;
}

/** Changes to every logout token, those of `/end_session` included; a call of `logoutToken` can add to them. */
export interface LogoutTokenSwitches {
  claims?: Changes | undefined;
  jose?: JoseSwitches | undefined;
}

/** The clock of the provider. */
export interface ClockSwitches {
  /** How far the provider is ahead of the real time, in s; behind when negative. Moves every claim, every expiry and the `Date` header. */
  offsetSeconds: number;
}

/** All switches. */
export interface Script {
  metadata: MetadataSwitches;
  authorize: AuthorizeSwitches;
  par: ParSwitches;
  token: CodeSwitches;
  refresh: RefreshSwitches;
  jwks: JwksSwitches;
  userinfo: UserinfoSwitches;
  revoke: AnswerSwitches;
  introspect: IntrospectSwitches;
  endSession: EndSessionSwitches;
  /** Paths that are none of the above; 404. */
  unknown: AnswerSwitches;
  logoutToken: LogoutTokenSwitches;
  dpop: DpopSwitches;
  clock: ClockSwitches;
}

/** A script in which nothing is wrong. */
export function honestScript({ par = false }: { readonly par?: boolean | undefined } = {}): Script {
  const tokens = { accessTokenFormat: 'opaque', expiresIn: 300, idToken: true } as const;
  return {
    metadata: { mtlsAliases: false },
    authorize: {},
    par: { offered: par, required: false, expiresIn: 60 },
    token: { ...tokens, refreshToken: 'always', skip: [] },
    refresh: { ...tokens, rotation: 'rotate', reuse: 'kills-family', lifetime: 14 * 86_400 },
    jwks: { etag: true },
    userinfo: { signed: false },
    revoke: {},
    introspect: { signed: false },
    endSession: { backchannel: true, returnParameter: 'post_logout_redirect_uri', demandsIdToken: 'never' },
    unknown: {},
    logoutToken: {},
    dpop: {
      authorizationServerNonce: 'off',
      resourceServerNonce: 'off',
      rotateNonce: false,
      crossedNonces: false,
      downgrade: false,
    },
    clock: { offsetSeconds: 0 },
  };
}
