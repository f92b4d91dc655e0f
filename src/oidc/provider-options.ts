/**
 * What the authorization server's part takes: its settings, and what is handed
 * to each of its calls.
 *
 * @module
 */

import type { Log } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Dialect, FrontendConfig } from '../config/config.ts';
import type { ClientKeys } from './client-keys.ts';

/** Whether the authorization server can be used, told when that changes. */
export interface ProviderEvent {
  readonly part: 'metadata' | 'key-set';
  readonly state: 'failed' | 'recovered';
  /** A stable word; empty when it recovered. */
  readonly reason: string;
}

/** What a {@link Provider} is made from. All of it comes from the configuration. */
export interface ProviderOptions {
  readonly issuer: string;
  readonly client: FrontendConfig['client'];
  /** Keys that are kept elsewhere than in the client's own file. */
  readonly clientKeys?: ClientKeys | undefined;
  readonly scopes: FrontendConfig['scopes'];
  readonly scopesAreDefault: boolean;
  readonly apiAudience: string | undefined;
  /** As the standards say where undefined. */
  readonly dialect?: Dialect | undefined;
  readonly timeoutMs: number;
  /** Absolute, as registered: the frontend's origin and its callback path. */
  readonly redirectUri: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly report?: ((event: ProviderEvent) => void) | undefined;
  /** Further certificate authorities to trust, PEM. */
  readonly certificateAuthorities?: string | undefined;
}

/** What an authorization request says beside what the configuration decides. */
export interface AuthorizationParameters {
  readonly state: string;
  readonly nonce: string;
  /** base64url of the SHA-256 of the verifier (RFC 7636, 4.2). */
  readonly codeChallenge: string;
  /** The key that the tokens shall be bound to, where they are bound to one (RFC 9449, 10). */
  readonly dpopKey?: string | undefined;
  readonly prompt?: string | undefined;
  readonly loginHint?: string | undefined;
  readonly uiLocales?: string | undefined;
  readonly acrValues?: string | undefined;
  /** Seconds. */
  readonly maxAge?: number | undefined;
}

/** An authorization response and the transaction it belongs to. */
export interface Redemption {
  /** As the browser brought them, each once. */
  readonly callbackParameters: URLSearchParams;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** As in the request. */
  readonly dpopKey?: string | undefined;
  /** When the browser was sent away, ms. */
  readonly startedAt: number;
  /** Seconds, as asked for. */
  readonly maxAge: number | undefined;
  /** Those asked for; empty when none was. */
  readonly acrValues: readonly string[];
}

/** What a refreshed ID token is held against: the session it is for. */
export interface PreviousSignIn {
  readonly issuer: string;
  readonly subject: string;
  /** Ms. */
  readonly authTime: number | undefined;
  /** The nonce of the sign-in, where it is still known. */
  readonly nonce?: string | undefined;
  /** What was granted, for an answer that says nothing of it (RFC 6749, 6). */
  readonly scope?: readonly string[] | undefined;
}

/** How a refresh token is spent. */
export interface RefreshOptions {
  /** The resource the access token is for (RFC 8707); `API_AUDIENCE` when undefined. */
  readonly audience?: string | undefined;
  readonly previous: PreviousSignIn;
  /** The key that the session's tokens are bound to; a new one where they are to be and are not yet. */
  readonly dpopKey?: string | undefined;
}
