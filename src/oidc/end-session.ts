/**
 * Where a browser ends its session at the authorization server (OpenID Connect
 * RP-Initiated Logout 1.0, 2), also where that has another form. Pure.
 *
 * No token goes into an address: it would end up in histories and logs (LO-07). A
 * provider that demands one gets it in a form that the browser posts, where the
 * configuration says so.
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

/** A form that the browser posts. */
export interface EndSessionForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The form for the browser, with the ID token as hint; `undefined` where nothing is offered, or an address is enough. */
export function endSessionFormOf(
  { idToken, ...parameters }: EndSessionParameters & { readonly idToken: string },
  { clientId, dialect, metadata }: EndSessionOptions,
): EndSessionForm | undefined {
  const action = endSessionEndpoint({ dialect, metadata });
  if (action === undefined || dialect?.endSession.method !== 'form') return undefined;
  return { action, fields: { client_id: clientId, id_token_hint: idToken, ...queryOf(parameters, dialect) } };
}

/** The address for the browser; `undefined` where nothing is offered, or only a form will do. */
export function endSessionAddress(parameters: EndSessionParameters, options: EndSessionOptions): URL | undefined {
  const endpoint = endSessionEndpoint(options);
  if (endpoint === undefined || options.dialect?.endSession.method === 'form') return undefined;
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
