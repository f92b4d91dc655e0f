/**
 * The configuration as the rest of the product sees it: checked, typed, in ms and
 * bytes. Made by config/load.ts; nobody else reads the environment or a file of
 * settings.
 *
 * @module
 */

import type { Secret } from '../base/secret.ts';
import type { AuthorizationFlow } from './authorization-flow.ts';

/** How the client proves itself at the authorization server (OIDC Core, 9). */
export type ClientAuthMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth';

/** What the page must send to prove that a request came from it. */
export type CsrfMode = 'token' | 'header';

/** Who may use a route. */
export type Access = 'session' | 'public';

/** Which token goes to the upstream. */
export type TokenKind = 'user' | 'client' | 'exchange' | 'none';

/** One entry of the rules file, or what `API_UPSTREAM` stands for. */
export interface RouteConfig {
  /** Public prefix, on segment borders, case-sensitive, without a slash at the end. */
  readonly path: string;
  /** Origin of the upstream and the path that replaces the prefix, without a slash at the end. */
  readonly upstream: { readonly origin: string; readonly path: string };
  /** GET brings HEAD with it. */
  readonly methods: readonly string[];
  readonly access: Access;
  readonly token: TokenKind;
  /** The resource the access token is for (RFC 8707); `API_AUDIENCE` when undefined. */
  readonly audience: string | undefined;
  /** What the access token must allow. Coarse; the service itself checks the object. */
  readonly scopes: readonly string[];
  /** To the answer's headers, and between two chunks. */
  readonly timeoutMs: number;
  /** Bytes; 0 for no limit. */
  readonly maxBody: number;
  /** Bytes a second that a client must send of a body, on average over `timeoutMs`; 0 for no limit. */
  readonly minUploadRate: number;
  /** Names of the cookies the upstream may set. */
  readonly setCookies: readonly string[];
  /** Whether the upstream's `Cache-Control` counts. */
  readonly cache: boolean;
  /** Whether the body of an answer of 400 or more is ours. */
  readonly maskErrors: boolean;
  /** Whether a GET may ask for a WebSocket. */
  readonly websocket: boolean;
  /** `false`: a token that is bound to a key goes as one that is not, for an upstream that knows no better. */
  readonly dpop?: boolean | undefined;
}

/** Where an upstream is reached. */
export interface UpstreamAddress {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** How one upstream is reached beyond its URL. Certificates and key are PEM. */
export interface UpstreamConfig {
  readonly origin: string;
  /** Empty: what the host of the origin resolves to. */
  readonly addresses: readonly UpstreamAddress[];
  /** The name its certificate must be for; the host of the origin when undefined. */
  readonly serverName: string | undefined;
  /** The authorities its certificate may come from; those that Node knows when undefined. */
  readonly authorities: string | undefined;
  /** Our own chain for mutual TLS; together with `key`. */
  readonly certificate: string | undefined;
  readonly key: Secret | undefined;
}

/** The page, from a folder of files or from another server. */
export type PageConfig =
  | { readonly kind: 'files'; readonly directory: string }
  | { readonly kind: 'upstream'; readonly url: string };

/** In what a provider differs from the standards, or goes beyond them. */
export interface Dialect {
  /** Laid under those of the protocol in every authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>>;
  /** What a target is called in requests. */
  readonly audienceParameter: 'resource' | 'audience';
  /** Audiences of ID tokens that are trusted beside the client (OIDC Core, 3.1.3.7-3). */
  readonly trustedAudiences: readonly string[];
  /** How long ago an ID token may have been issued, ms. */
  readonly idTokenMaxAgeMs: number;
  readonly endSession: {
    /** Instead of the one in the metadata; `none`: neither is used. */
    readonly endpoint: string | undefined;
    /** What the address to come back to is called; `none`: it is not told. */
    readonly returnParameter: string;
    /** `form`: the ID token is kept, and posted by the browser. */
    readonly method: 'redirect' | 'form';
  };
  /** Whether UserInfo may be asked at all. */
  readonly asksUserInfo: boolean;
}

/** Where sessions lie. */
export type StoreConfig =
  | { readonly kind: 'memory' }
  | { readonly kind: 'redis'; readonly url: Secret; readonly timeoutMs: number };

/** A certificate chain and its key, both PEM. */
export interface TlsConfig {
  readonly certificate: string;
  readonly key: Secret;
}

/** What is set for one frontend: all that depends on its public origin or its authorization server. */
export interface FrontendConfig {
  /** How it is called; `default` where the environment alone describes it. */
  readonly id: string;
  /** What its entry in the rules file says, without the routes: to see on SIGHUP what differs. Empty where there is none. */
  readonly written: Readonly<Record<string, unknown>>;
  /** An origin: scheme, host, and port where it is not the default. */
  readonly publicUrl: string;
  /** Shown to browsers that ask for its host name; `undefined`: http behind a terminator. */
  readonly tls: TlsConfig | undefined;
  /** Empty, or beginning with a slash and not ending with one. */
  readonly authBasePath: string;
  readonly issuer: string;
  readonly client: {
    readonly id: string;
    readonly authMethod: ClientAuthMethod;
    readonly secret: Secret | undefined;
    /** Tried when the provider refuses the other one: the old or the new one while they change. */
    readonly fallbackSecret?: Secret | undefined;
    /** PEM (PKCS#8) of the keys for `private_key_jwt`: the first signs, the others are published. */
    readonly key: Secret | undefined;
    /** For mutual TLS (RFC 8705). */
    readonly certificate?: { readonly chain: string; readonly key: Secret } | undefined;
    /** What opens encrypted tokens. */
    readonly decryption?:
      | {
          /** PEM (PKCS#8); the first is published, the others still open. */
          readonly keys: Secret;
          /** Whether an ID token or logout token in clear is refused. */
          readonly isRequired: boolean;
        }
      | undefined;
    /** How old a client key gets that is made and kept by the server itself, ms; `undefined`: the keys are those of the file. */
    readonly keyRotationMs?: number | undefined;
    /** To whom assertions are addressed. */
    readonly assertionAudience?: 'issuer' | 'token-endpoint' | undefined;
    /** How sign-ins are asked for and answered; `plainFlow` when undefined. */
    readonly flow?: AuthorizationFlow | undefined;
  };
  readonly scopes: readonly string[];
  /** Whether `SCOPES` was left at its default, so that what the provider does not know is left out. */
  readonly scopesAreDefault: boolean;
  readonly apiAudience: string | undefined;
  readonly dialect: Dialect;
  readonly userClaims: readonly string[];
  readonly providerTimeoutMs: number;
  /** Whether a logout token must carry `exp` and the type `logout+jwt`. */
  readonly strictLogoutTokens: boolean;
  readonly frontChannelLogout: boolean;
  /** Whether somebody else may begin a sign-in (OIDC Core, 4). */
  readonly thirdPartyLogin: boolean;
  readonly sessionIdleTimeoutMs: number;
  readonly sessionLifetimeMs: number;
  /** How long ago a person may have proved who they are; `undefined` where it does not matter. */
  readonly maxAuthenticationAgeMs: number | undefined;
  readonly routes: readonly RouteConfig[];
  /** Where they stand in the rules file: `routes`, or `frontends[0].routes`. */
  readonly routesAt: string;
  readonly page: PageConfig;
  readonly corsAllowedOrigins: readonly string[];
  readonly csrfMode: CsrfMode;
}

/** All settings, checked: those of the process, and those of each frontend. */
export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  readonly operations: { readonly host: string; readonly port: number };
  /** Shown where no frontend's own is asked for; `undefined`: http behind a terminator. */
  readonly tls: TlsConfig | undefined;
  readonly store: StoreConfig;
  /** At least one. The first signs and seals, the others still open. */
  readonly sessionSecrets: readonly Secret[];
  /** Those of which the rules file says more than a URL. */
  readonly upstreams: readonly UpstreamConfig[];
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Processes that serve the public port; with 1 there is no primary beside it. */
  readonly workers: number;
  readonly readyStrict: boolean;
  readonly shutdownTimeoutMs: number;
  /** At least one; no two of one host name, and none with the client of another. */
  readonly frontends: readonly [FrontendConfig, ...FrontendConfig[]];
  /** Whether the rules file lists them: then what is logged and measured says which it is about. */
  readonly listsFrontends: boolean;
  /** What is allowed but worth a line in the log at start. */
  readonly warnings: readonly string[];
}
