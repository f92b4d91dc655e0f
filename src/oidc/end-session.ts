/**
 * Where a browser ends its session at the authorization server (OpenID Connect
 * RP-Initiated Logout 1.0, 2), also where that has another form. Pure.
 *
 * No token goes into an address: it would end up in histories and logs (LO-07).
 *
 * @module
 */

import type { Dialect } from '../config/config.ts';
import { present } from './authorization-query.ts';
import type { ProviderMetadata } from './metadata.ts';

/** What is told of a sign-out. */
export interface EndSessionParameters {
  readonly logoutHint?: string | undefined;
  readonly postLogoutRedirectUri: string;
  readonly state?: string | undefined;
}

/** What decides over the address. */
export interface EndSessionOptions {
  readonly clientId: string;
  readonly dialect?: Dialect | undefined;
  readonly metadata: Pick<ProviderMetadata, 'end_session_endpoint'> | undefined;
}

/** The endpoint: the configured one, or that of the metadata; `undefined` where there is none, or it is not known yet. */
export function endSessionEndpoint({ dialect, metadata }: Omit<EndSessionOptions, 'clientId'>): string | undefined {
  const { endpoint = metadata?.end_session_endpoint } = dialect?.endSession ?? {};
  return endpoint === 'none' ? undefined : endpoint;
}

/** The address for the browser; `undefined` where nothing is offered. */
export function endSessionAddress(parameters: EndSessionParameters, options: EndSessionOptions): URL | undefined {
  const endpoint = endSessionEndpoint(options);
  if (endpoint === undefined) return undefined;
  const url = new URL(endpoint);
  const query = { client_id: options.clientId, ...queryOf(parameters, options.dialect) };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

// A form of somebody's own knows the address to come back to and nothing else; some refuse what they do not know.
function queryOf(
  { logoutHint: logout_hint, postLogoutRedirectUri, state }: EndSessionParameters,
  dialect: Dialect | undefined,
): Readonly<Record<string, string>> {
  const name = dialect?.endSession.returnParameter ?? 'post_logout_redirect_uri';
  if (name === 'none') return {};
  if (name !== 'post_logout_redirect_uri') return { [name]: postLogoutRedirectUri };
  return present({ logout_hint, post_logout_redirect_uri: postLogoutRedirectUri, state });
}
