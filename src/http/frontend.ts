/**
 * Everything that hangs on the public origin.
 *
 * A frontend is one single-page app as browsers know it: its origin, the cookies
 * it has, the other origins it trusts. Its id goes into the hash of every session
 * key and into every derived key, so what belongs to one is nothing at another,
 * also where two servers share one Redis and the same `SESSION_SECRETS`.
 *
 * Its provider, routes and sessions are made in app/ and found by this id.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { isLoopbackName } from '../base/loopback.ts';
import { plainFlow, type ResponseMode } from '../config/authorization-flow.ts';
import type { FrontendConfig } from '../config/config.ts';

/** The names of our cookies for one frontend. */
export interface CookieNames {
  readonly session: string;
  /** Followed by 8 characters of the hash of `state`: one cookie for each pending login. */
  readonly loginPrefix: string;
  /** Followed by 8 characters: one cookie for each session that the browser began, so that a replaced one is ended. */
  readonly pointerPrefix: string;
  /** Counts the starts of a sign-in. */
  readonly starts: string;
}

/** The public paths of the auth routes, `AUTH_BASE_PATH` included. */
export interface AuthPaths {
  readonly login: string;
  readonly callback: string;
  readonly session: string;
  readonly refresh: string;
  readonly events: string;
  readonly logout: string;
  readonly backChannelLogout: string;
  readonly frontChannelLogout: string;
  /** Each of them is one segment below. */
  readonly sessions: string;
}

/** One single-page app as browsers know it. */
export interface Frontend {
  /** Part of every key and every name in the store that belong to it. */
  readonly id: string;
  /** How logs, metrics and commands call it. */
  readonly name: string;
  /** Scheme, host and port as browsers write it: `https://app.example`. */
  readonly origin: string;
  /** Lower case, without a default port: what `Host` must say. */
  readonly host: string;
  /** On a loopback name: any port is accepted in `Host`, and http is allowed. */
  readonly loopback: boolean;
  /** Whether browsers reach it over https; decides `Secure`, cookie prefixes and HSTS. */
  readonly secure: boolean;
  readonly paths: AuthPaths;
  readonly cookies: CookieNames;
  /** Other origins that may call us with the cookie, compared whole. */
  readonly trustedOrigins: ReadonlySet<string>;
  /** How its authorization server answers the browser. */
  readonly responseMode: ResponseMode;
}

/** What a frontend is made from. All of it comes from the configuration, nothing from a request. */
export interface FrontendOptions {
  readonly id: string;
  /** The id when undefined. */
  readonly name?: string | undefined;
  /** An origin, checked when the configuration was loaded. */
  readonly publicUrl: string;
  readonly authBasePath: string;
  readonly trustedOrigins: readonly string[];
  /** `query` when undefined. */
  readonly responseMode?: ResponseMode | undefined;
}

/** What tells one frontend from another. */
export type FrontendFacts = Pick<FrontendConfig, 'publicUrl' | 'issuer'> & {
  readonly client: Pick<FrontendConfig['client'], 'id'>;
};

/**
 * The id of the frontend that a configuration describes: 128 bits, base64url, of its origin, its issuer and its client. What is
 * derived from it lasts in stores and cookies.
 *
 * Tokens are for the client that got them and for the issuer that gave them (RFC 6749, 10.4), and a session is for the host
 * that its cookie was set by: with any other of the three it is nobody's.
 */
export function frontendIdOf({ publicUrl, issuer, client }: FrontendFacts): string {
  return idFrom('frontend', [new URL(publicUrl).origin, issuer, client.id]);
}

/** The id of the client alone, which is one at its issuer for all its frontends: under it lie the client's own keys. */
export function clientScopeOf({ issuer, client }: Omit<FrontendFacts, 'publicUrl'>): string {
  return idFrom('client', [issuer, client.id]);
}

function idFrom(kind: string, facts: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([kind, ...facts]));
  return hash.digest('base64url').slice(0, 22);
}

/** The one method by which a response of the authorization server comes: a form is posted, everything else is a redirect. */
export function callbackMethod({ responseMode }: Pick<Frontend, 'responseMode'>): 'GET' | 'POST' {
  return responseMode === 'form_post' ? 'POST' : 'GET';
}

/**
 * The attributes of cookies that must come along with the response. A redirect of another site brings Lax ones; a form
 * that another site posts brings none but SameSite=None, which browsers keep only beside Secure.
 */
export function crossSiteAttributes({ responseMode, secure }: Pick<Frontend, 'responseMode' | 'secure'>): string {
  if (responseMode === 'form_post') return 'SameSite=None; Secure';
  return secure ? 'SameSite=Lax; Secure' : 'SameSite=Lax';
}

/** The frontend that is set so. */
export function frontendOf(
  config: FrontendFacts & Pick<FrontendConfig, 'id' | 'authBasePath' | 'corsAllowedOrigins' | 'client'>,
): Frontend {
  const { id: name, publicUrl, authBasePath, corsAllowedOrigins: trustedOrigins, client } = config;
  const responseMode = client.flow?.responseMode;
  return createFrontend({ id: frontendIdOf(config), name, publicUrl, authBasePath, trustedOrigins, responseMode });
}

/** Makes a frontend. */
export function createFrontend({
  id,
  name = id,
  publicUrl,
  authBasePath,
  trustedOrigins,
  responseMode = plainFlow.responseMode,
}: FrontendOptions): Frontend {
  const { origin, host, protocol, hostname } = new URL(publicUrl);
  const secure = protocol === 'https:';
  const path = (end: string) => `${authBasePath}/${end}`;
  return {
    ...{ id, name },
    origin,
    host,
    loopback: isLoopbackName(hostname),
    secure,
    paths: {
      login: path('login'),
      callback: path('callback'),
      session: path('session'),
      refresh: path('session/refresh'),
      events: path('session/events'),
      logout: path('logout'),
      backChannelLogout: path('backchannel-logout'),
      frontChannelLogout: path('frontchannel-logout'),
      sessions: path('sessions'),
    },
    cookies: cookieNames(secure),
    trustedOrigins: new Set(trustedOrigins),
    responseMode,
  };
}

// A browser that knows the __Host-Http- prefix refuses such a cookie from script; one that does not sees a __Host- name.
function cookieNames(secure: boolean): CookieNames {
  const prefix = secure ? '__Host-Http-' : '';
  return {
    session: `${prefix}claimcheck`,
    loginPrefix: `${prefix}claimcheck-login-`,
    pointerPrefix: `${prefix}claimcheck-began-`,
    starts: `${prefix}claimcheck-starts`,
  };
}
