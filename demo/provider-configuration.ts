/**
 * How the demo's authorization server is set up: the settings of oidc-provider,
 * from a few of our own.
 *
 * Everything oidc-provider would warn about is set, so the console stays quiet
 * and a warning that does appear means something.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Configuration, Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { OfflineRequests } from './offline-access.ts';
import { personBySubject } from './people.ts';
import { errorPage, pageHeaders } from './provider-pages.ts';
import type { ProviderStorage } from './provider-storage.ts';
import { providerErrors } from './quiet-provider.ts';
import { createSignInPolicy, interactionUrl } from './sign-in.ts';
import { answerSignedOut, answerSignOut } from './sign-out.ts';

/** Settings of one authorization server, with nothing left open. */
export interface ProviderSettings {
  readonly accessTokenTtlSeconds: number;
  readonly refreshTokenTtlSeconds: number;
  readonly idTokenTtlSeconds: number;
  readonly rotateRefreshToken: boolean;
  readonly resource: string;
  readonly endSession: boolean;
  readonly par: boolean;
  readonly revocation: boolean;
  readonly acrValues: readonly string[];
  /** Beside what every access token says. */
  readonly accessTokenClaims: Readonly<Record<string, string | readonly string[]>>;
}

/** What the orders API understands; a token for it carries what was asked for, of these. */
export const orderScopes: readonly string[] = ['orders.read', 'orders.write'];

/** A day: longer than anyone looks at a demo, and no token outlives the process anyway. */
const daySeconds = 24 * 60 * 60;

/** Makes the configuration, with keys of its own: RS256 and ES256, fresh at each call. */
export async function createProviderConfiguration(
  settings: ProviderSettings,
  { storage, offline }: { readonly storage: ProviderStorage; readonly offline: OfflineRequests },
): Promise<Configuration> {
  return {
    adapter: storage.adapter,
    jwks: { keys: await Promise.all([freshKey('RS256'), freshKey('ES256')]) },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', ...orderScopes],
    claims: {
      openid: ['sub'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    responseTypes: ['code'],
    acrValues: [...settings.acrValues],
    // The names a page greets with stand in the ID token; otherwise every client needed UserInfo too.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: settings.rotateRefreshToken,
    expiresWithSession: () => false,
    issueRefreshToken: (_context, client, source) =>
      client.grantTypeAllowed('refresh_token') && 'codeChallenge' in source && offline.take(source.codeChallenge),
    loadExistingGrant: grantWhatIsAsked,
    findAccount: (_context, sub) => accountFrom(sub),
    extraTokenClaims: () => ({ ...settings.accessTokenClaims }),
    interactions: { url: interactionUrl, policy: createSignInPolicy(settings.acrValues) },
    clientBasedCORS: () => false,
    fetch: fetchOnLoopback,
    renderError: (context, { error, error_description: description = '' }) => {
      context.set(pageHeaders);
      context.body = errorPage({ issuer: context.oidc.issuer, error, description });
    },
    ttl: createTtl(settings),
    features: createFeatures(settings),
  };
}

async function freshKey(alg: 'RS256' | 'ES256'): Promise<JWK & { kty: 'RSA' | 'EC' }> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const kid = randomBytes(8).toString('base64url');
  // jose types `kty` as any string; these two algorithms have the two key types.
  return { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' } as JWK & { kty: 'RSA' | 'EC' };
}

function createTtl(settings: ProviderSettings): NonNullable<Configuration['ttl']> {
  return {
    AccessToken: settings.accessTokenTtlSeconds,
    AuthorizationCode: 60,
    ClientCredentials: settings.accessTokenTtlSeconds,
    Grant: Math.max(daySeconds, settings.refreshTokenTtlSeconds),
    IdToken: settings.idTokenTtlSeconds,
    Interaction: 60 * 60,
    RefreshToken: settings.refreshTokenTtlSeconds,
    Session: daySeconds,
  };
}

function createFeatures(settings: ProviderSettings): NonNullable<Configuration['features']> {
  const onlyOwn = (
    _context: KoaContextWithOIDC,
    client: { clientId: string },
    token: { clientId?: string | undefined },
  ) => client.clientId === token.clientId;
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: true },
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: settings.par },
    revocation: { enabled: settings.revocation, allowedPolicy: onlyOwn },
    introspection: { enabled: true, allowedPolicy: onlyOwn },
    rpInitiatedLogout: {
      enabled: settings.endSession,
      logoutSource: answerSignOut,
      postLogoutSuccessSource: answerSignedOut,
    },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => {
        if (resource !== settings.resource) throw new providerErrors.InvalidTarget();
        return {
          scope: orderScopes.join(' '),
          audience: settings.resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: settings.accessTokenTtlSeconds,
          jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  };
}

/** One sign-in, one grant: to revoke a refresh token ends nobody else's, not even in the same browser. */
async function grantWhatIsAsked({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { provider, client, account, resourceServers = {} } = oidc;
  if (!client || !account) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope(oidc.requestParamOIDCScopes);
  grant.addOIDCClaims(oidc.requestParamClaims);
  for (const [indicator, { scopes }] of Object.entries(resourceServers)) {
    grant.addResourceScope(
      indicator,
      [...oidc.requestParamScopes].filter((scope) => scopes.has(scope)),
    );
  }
  await grant.save();
  return grant;
}

function accountFrom(sub: string) {
  const person = personBySubject(sub);
  if (!person) return undefined;
  const { login, name, givenName, familyName, email } = person;
  return {
    accountId: sub,
    claims: () => ({
      sub,
      name,
      given_name: givenName,
      family_name: familyName,
      preferred_username: login,
      email,
      email_verified: true,
    }),
  };
}

/** oidc-provider hands over a dispatcher that refuses loopback addresses; in the demo every client is there. */
function fetchOnLoopback(url: string | URL | Request, options: RequestInit = {}): Promise<Response> {
  const { dispatcher: _refusesLoopback, ...rest } = options as RequestInit & { dispatcher?: unknown };
  return fetch(url, rest);
}
