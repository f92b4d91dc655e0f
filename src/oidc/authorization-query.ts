/**
 * The authorization request as parameters. Pure.
 *
 * What decides over the flow comes from the configuration; a caller chooses among
 * a few parameters that login.ts checked by their types (LS-10).
 *
 * @module
 */

import { plainFlow } from '../config/authorization-flow.ts';
import type { Dialect } from '../config/config.ts';
import { dpopKeyOf } from '../keys/dpop-key.ts';
import type { ProviderMetadata } from './metadata.ts';
import type { AuthorizationParameters, ProviderOptions } from './provider-options.ts';

/** The parameters, `client_id` aside, in the names of the wire. */
export function authorizationQuery(
  parameters: AuthorizationParameters,
  {
    metadata,
    options,
  }: {
    readonly metadata: Pick<ProviderMetadata, 'scopes_supported'>;
    readonly options: Pick<
      ProviderOptions,
      'redirectUri' | 'apiAudience' | 'dialect' | 'scopes' | 'scopesAreDefault' | 'client'
    >;
  },
): Readonly<Record<string, string>> {
  const { responseMode: mode, dpop } = options.client.flow ?? plainFlow;
  // Those of the configuration lie under ours; `prompt` is the one that a caller may choose instead.
  const asked = present({
    response_type: 'code',
    response_mode: mode === 'query' ? undefined : mode, // what the code flow has without a word
    redirect_uri: options.redirectUri,
    scope: scopesFor(options, metadata).join(' '),
    state: parameters.state,
    nonce: parameters.nonce,
    code_challenge: parameters.codeChallenge,
    code_challenge_method: 'S256',
    ...audienceOf(options.apiAudience, options.dialect),
    dpop_jkt: dpop && parameters.dpopKey !== undefined ? dpopKeyOf(parameters.dpopKey).thumbprint : undefined,
    prompt: parameters.prompt,
    login_hint: parameters.loginHint,
    ui_locales: parameters.uiLocales,
    acr_values: parameters.acrValues,
    max_age: parameters.maxAge?.toString(),
  });
  return { ...options.dialect?.authorizationParameters, ...asked };
}

/** The parameter that says for whom a token shall be (RFC 8707, 2); empty where the provider is left to know. */
export function audienceOf(
  audience: string | undefined,
  { audienceParameter = 'resource' }: Partial<Dialect> = {},
): Readonly<Record<string, string>> {
  return present({ [audienceParameter]: audience });
}

/** What is asked for: the configured scopes, and of the default ones those that the server knows. */
export function scopesFor(
  { scopes, scopesAreDefault }: Pick<ProviderOptions, 'scopes' | 'scopesAreDefault'>,
  metadata: Pick<ProviderMetadata, 'scopes_supported'> | undefined,
): readonly string[] {
  const known = metadata?.scopes_supported;
  if (!scopesAreDefault || known === undefined) return scopes;
  return scopes.filter((scope) => scope === 'openid' || known.includes(scope));
}

/** The members that have a value. */
export function present(parameters: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const entries = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}
