/**
 * Asks the authorization server whether it knows us as a client. Nothing is spent:
 * the refresh token that is presented does not exist.
 *
 * @module
 */

import { randomToken } from '../../base/random.ts';
import type { ClientAuthMethod } from '../../config/config.ts';
import { newClientKeyPem } from '../../oidc/client-key.ts';
import { FileClientKeys } from '../../oidc/client-keys.ts';
import { GrantError } from '../../oidc/grant.ts';
import type { ProviderMetadata } from '../../oidc/metadata.ts';
import { Provider } from '../../oidc/provider.ts';
import type { JsonObject } from '../../oidc/strict-json.ts';
import { addressesOf, checkAddresses } from './check-addresses.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, skip, warn } from './finding.ts';

/** What was published, and can be used. */
export interface Published {
  readonly metadata: ProviderMetadata;
  /** As it came. */
  readonly json: JsonObject;
}

/** Looks at the client's own registration. The metadata was found to be usable before. */
export async function checkClient(around: Around, { metadata, json }: Published): Promise<readonly Finding[]> {
  const provider = providerFor(around);
  await provider.start();
  try {
    const client = methodFinding(json, around) ?? (await clientFinding(provider, around));
    return [client, ...(await checkAddresses(provider, { around, metadata }))];
  } finally {
    await provider.close();
  }
}

function providerFor(
  { own: config, clock }: Around,
  authMethod: ClientAuthMethod = config.client.authMethod,
): Provider {
  const { issuer, scopes, scopesAreDefault, apiAudience, dialect, providerTimeoutMs: timeoutMs } = config;
  return new Provider({
    ...{ issuer, scopes, scopesAreDefault, apiAudience, dialect, timeoutMs, clock },
    client: { ...config.client, authMethod },
    clientKeys: config.client.keyRotationMs === undefined ? undefined : new FileClientKeys(newClientKeyPem()),
    redirectUri: addressesOf(config).redirectUri,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined },
    report: () => undefined,
  });
}

function methodFinding(json: JsonObject, { own: config }: Around): Finding | undefined {
  // RFC 8414, 2: client_secret_basic when it is left out.
  const listed: unknown = json['token_endpoint_auth_methods_supported'] ?? ['client_secret_basic'];
  const { authMethod } = config.client;
  if (!Array.isArray(listed) || listed.includes(authMethod)) return undefined;
  const names = listed.filter((name) => typeof name === 'string').join(', ');
  return fail(
    'client',
    `CLIENT_AUTH_METHOD=${authMethod} is not one that the provider takes: set it to that of the registration, one of ${names}`,
  );
}

async function clientFinding(provider: Provider, around: Around): Promise<Finding> {
  const { authMethod, keyRotationMs } = around.own.client;
  // Those keys are the server's own, and nobody else signs with them.
  if (keyRotationMs !== undefined) {
    return skip(
      'client',
      'signs with keys that the running server keeps: its log tells when the provider refuses them',
    );
  }
  const verdict = await verdictOn(provider);
  if (verdict.kind === 'known') return ok('client', `is known to the provider by ${authMethod}`);
  if (verdict.kind === 'unclear')
    return warn('client', `whether the provider knows it could not be told (${verdict.reason})`);
  if (verdict.reason === 'unauthorized_client') {
    return fail(
      'client',
      'is known, but may not use refresh tokens: allow the grant type refresh_token for this client at the provider',
    );
  }
  const other = await otherMethod(around);
  if (other !== undefined) {
    return fail(
      'client',
      `CLIENT_AUTH_METHOD=${authMethod} is refused, and ${other} is accepted: set CLIENT_AUTH_METHOD=${other}`,
    );
  }
  const proof =
    authMethod === 'private_key_jwt' ? 'CLIENT_KEY_FILE, and that the provider has its public half' : 'CLIENT_SECRET';
  return fail(
    'client',
    `is refused (${verdict.reason}): check CLIENT_ID, ${proof}, and which CLIENT_AUTH_METHOD is registered`,
  );
}

interface Verdict {
  readonly kind: 'known' | 'refused' | 'unclear';
  readonly reason: string;
}

// Whoever is not authenticated learns nothing of a grant: `invalid_grant` is said to a known client alone (RFC 6749, 5.2).
async function verdictOn(provider: Provider): Promise<Verdict> {
  try {
    const previous = { issuer: provider.issuer, subject: 'nobody', authTime: undefined };
    await provider.refresh(`claimcheck-doctor-${randomToken(128)}`, { previous });
    return { kind: 'unclear', reason: 'a refresh token that does not exist was taken' };
  } catch (error) {
    if (!(error instanceof GrantError)) throw error;
    if (error.kind === 'client-refused') return { kind: 'refused', reason: error.reason };
    return { kind: error.kind === 'refused' ? 'known' : 'unclear', reason: error.reason };
  }
}

async function otherMethod(around: Around): Promise<ClientAuthMethod | undefined> {
  const { authMethod, secret } = around.own.client;
  const other = authMethod === 'client_secret_basic' ? 'client_secret_post' : 'client_secret_basic';
  if (secret === undefined || authMethod === 'private_key_jwt') return undefined;
  const provider = providerFor(around, other);
  await provider.start();
  try {
    return (await verdictOn(provider)).kind === 'known' ? other : undefined;
  } finally {
    await provider.close();
  }
}
