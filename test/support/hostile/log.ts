/**
 * What the hostile provider saw: every request it received, and every secret it
 * gave out. Tests assert on both; nothing here decides anything.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject } from './json.ts';

/**
 * The endpoints by name. `token` and `refresh` are the same URL: a request with
 * `grant_type=refresh_token` is `refresh`, everything else is `token`. What has
 * no endpoint is `unknown` and gets 404.
 */
export type Endpoint =
  | 'metadata'
  | 'authorize'
  | 'par'
  | 'token'
  | 'refresh'
  | 'jwks'
  | 'userinfo'
  | 'revoke'
  | 'introspect'
  | 'endSession'
  | 'unknown';

/** How a client authenticated, named as in the client metadata (RFC 7591, section 2). `none` is a bare `client_id`. */
export type AuthMethod = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'tls_client_auth' | 'none';

/** What the provider made of the client authentication of a request. */
export interface ClientAuthentication {
  readonly valid: boolean;
  readonly method: AuthMethod;
  readonly clientId: string | undefined;
  /** Why it is not valid; a short word such as `wrong-secret`, `audience`, `jti-reused`. */
  readonly reason: string | undefined;
  /** Header and claims of the client assertion, as far as they could be read, valid or not. */
  readonly assertion: { readonly header: JsonObject; readonly claims: JsonObject } | undefined;
}

/** What the provider made of the DPoP proof of a request (RFC 9449, section 4.3). */
export interface DpopVerdict {
  readonly valid: boolean;
  readonly reason: string | undefined;
  /** RFC 7638 thumbprint of the key in the proof. */
  readonly thumbprint: string | undefined;
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

/** One request as it came in. */
export interface LoggedRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  /** True when it came in by an `mtls_endpoint_aliases` URL (RFC 8705, section 5). */
  readonly byAlias: boolean;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, with case and repetitions as sent. */
  readonly rawHeaders: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  /** The form body; empty when the body was no form. */
  readonly body: Readonly<Record<string, string>>;
  readonly rawBody: string;
  /** Names that occurred more than once in the query or in the form. */
  readonly repeated: readonly string[];
  /** When it came in, by the real clock, in ms. */
  readonly receivedAt: number;
  /** 1 for the first request to this endpoint since the last `reset()`, 2 for the second, … */
  readonly nth: number;
  /** Set at `par`, `token`, `refresh`, `revoke`, `introspect`, and only if the request was processed. */
  readonly auth: ClientAuthentication | undefined;
  /** Set where a DPoP proof was sent and looked at. */
  readonly dpop: DpopVerdict | undefined;
  /** SHA-256 of the client's certificate, base64url, as in `x5t#S256`. */
  readonly certificate: string | undefined;
  /** True once the connection ended before the whole answer was out, whoever ended it. */
  readonly cut: boolean;
}

/** The same, while the provider still writes to it. */
export type Recording = { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] };

/** The parameters that must not be repeated and are; `resource` may be (RFC 8707, section 2). */
export function repeatedOf({ repeated }: LoggedRequest): readonly string[] {
  return repeated.filter((name) => name !== 'resource');
}

/** Everything secret the provider gave out, whether or not the client ever received it. */
export class Issued {
  readonly codes: Set<string> = new Set();
  readonly accessTokens: Set<string> = new Set();
  readonly refreshTokens: Set<string> = new Set();
  readonly idTokens: Set<string> = new Set();
  readonly requestUris: Set<string> = new Set();
  readonly logoutTokens: Set<string> = new Set();

  /** All of them in one list, to search for in what a browser or a log got. */
  all(): readonly string[] {
    return Object.values(this).flatMap((secrets: Set<string>) => [...secrets]);
  }

  /** Takes up the tokens of a token answer, as they stand after every switch. Empty and non-text values are no secrets. */
  take(answer: JsonObject): void {
    const places: readonly [string, Set<string>][] = [
      ['access_token', this.accessTokens],
      ['refresh_token', this.refreshTokens],
      ['id_token', this.idTokens],
    ];
    for (const [name, secrets] of places) {
      const value = answer[name];
      if (typeof value === 'string' && value !== '') secrets.add(value);
    }
  }

  /** Forgets all of them. */
  clear(): void {
    for (const secrets of Object.values(this)) (secrets satisfies Set<string>).clear();
  }
}
