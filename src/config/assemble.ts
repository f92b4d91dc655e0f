/**
 * Puts the values of settings together into the configuration that the rest of the
 * product sees. Everything was checked before; nothing is decided here.
 *
 * @module
 */

import { Secret } from '../base/secret.ts';
import { flowFrom } from './authorization-flow.ts';
import type { Config, Dialect, FrontendConfig } from './config.ts';
import type { Files } from './files.ts';
import { type AllValues, settingOf, type Values } from './schema.ts';

/** What of a frontend does not come out of a setting's text. */
export interface BesideFrontend {
  readonly id: string;
  readonly written: FrontendConfig['written'];
  readonly routes: FrontendConfig['routes'];
  readonly routesAt: string;
  readonly files: Files;
}

/** What of the process does not. */
export interface Beside extends Pick<Config, 'frontends' | 'listsFrontends' | 'upstreams' | 'warnings'> {
  readonly files: Files;
}

/** The configuration. Only for values without faults: then what is needed is there, and the rest has its default. */
export function configFrom(values: Values, { files, frontends, ...beside }: Beside): Config {
  const all = values as AllValues; // see above; what may be missing is read from `values`
  return {
    listen: { host: all.HOST, port: all.PORT },
    operations: { host: all.OPS_HOST, port: all.OPS_PORT },
    tls: tlsFrom(values, files) ?? frontends[0].tls,
    store: storeFrom(values),
    sessionSecrets: all.SESSION_SECRETS.map((entry) => new Secret(entry)),
    trustedProxies: all.TRUSTED_PROXIES,
    logLevel: all.LOG_LEVEL,
    workers: all.WORKERS,
    readyStrict: all.READY_STRICT,
    shutdownTimeoutMs: all.SHUTDOWN_TIMEOUT,
    frontends,
    ...beside,
  };
}

/** One frontend. Only for values without faults, as above. */
export function frontendFrom(values: Values, { files, ...beside }: BesideFrontend): FrontendConfig {
  const all = values as AllValues; // as above
  const { PAGE_UPSTREAM } = values;
  return {
    ...beside,
    publicUrl: all.PUBLIC_URL,
    tls: tlsFrom(values, files),
    authBasePath: all.AUTH_BASE_PATH,
    issuer: all.ISSUER,
    client: clientFrom(values, files),
    scopes: all.SCOPES,
    scopesAreDefault: all.SCOPES.join(' ') === settingOf('SCOPES').default,
    apiAudience: values.API_AUDIENCE,
    dialect: dialectFrom(all),
    userClaims: all.USER_CLAIMS,
    providerTimeoutMs: all.PROVIDER_TIMEOUT,
    strictLogoutTokens: all.BACKCHANNEL_LOGOUT_STRICT,
    frontChannelLogout: all.FRONTCHANNEL_LOGOUT,
    thirdPartyLogin: all.THIRD_PARTY_LOGIN,
    sessionIdleTimeoutMs: all.SESSION_IDLE_TIMEOUT,
    sessionLifetimeMs: all.SESSION_LIFETIME,
    maxAuthenticationAgeMs: values.MAX_AUTHENTICATION_AGE,
    page: PAGE_UPSTREAM ? { kind: 'upstream', url: PAGE_UPSTREAM } : { kind: 'files', directory: all.PUBLIC_DIR },
    corsAllowedOrigins: all.CORS_ALLOWED_ORIGINS,
    csrfMode: all.CSRF_MODE,
  };
}

function tlsFrom({ TLS_CERT_FILE, TLS_KEY_FILE }: Values, files: Files): FrontendConfig['tls'] {
  return TLS_CERT_FILE && TLS_KEY_FILE
    ? { certificate: files.readFile(TLS_CERT_FILE), key: new Secret(files.readFile(TLS_KEY_FILE)) }
    : undefined;
}

function clientFrom(values: Values, files: Files): FrontendConfig['client'] {
  const { CLIENT_ID, CLIENT_AUTH_METHOD, CLIENT_ASSERTION_AUDIENCE } = values as AllValues; // one is needed, the others have defaults
  const { CLIENT_SECRET, CLIENT_SECRET_FALLBACK, CLIENT_KEY_FILE, CLIENT_CERT_FILE, CLIENT_KEY_ROTATION } = values;
  const key = CLIENT_KEY_FILE === undefined ? undefined : new Secret(files.readFile(CLIENT_KEY_FILE));
  return {
    id: CLIENT_ID,
    authMethod: CLIENT_AUTH_METHOD,
    secret: CLIENT_SECRET === undefined ? undefined : new Secret(CLIENT_SECRET),
    fallbackSecret: CLIENT_SECRET_FALLBACK === undefined ? undefined : new Secret(CLIENT_SECRET_FALLBACK),
    key,
    certificate: CLIENT_CERT_FILE && key ? { chain: files.readFile(CLIENT_CERT_FILE), key } : undefined,
    decryption: decryptionFrom(values, files),
    keyRotationMs: CLIENT_KEY_ROTATION,
    assertionAudience: CLIENT_ASSERTION_AUDIENCE,
    flow: flowFrom(values),
  };
}

function decryptionFrom(values: Values, files: Files): FrontendConfig['client']['decryption'] {
  const { CLIENT_DECRYPTION_KEY_FILE: path, ENCRYPTED_ID_TOKENS } = values;
  if (path === undefined) return undefined;
  return { keys: new Secret(files.readFile(path)), isRequired: ENCRYPTED_ID_TOKENS === 'required' };
}

function dialectFrom(all: AllValues): Dialect {
  return {
    authorizationParameters: all.AUTHORIZATION_PARAMS,
    audienceParameter: all.API_AUDIENCE_PARAMETER,
    trustedAudiences: all.ID_TOKEN_AUDIENCES,
    idTokenMaxAgeMs: all.ID_TOKEN_MAX_AGE,
    endSession: {
      endpoint: all.END_SESSION_ENDPOINT,
      returnParameter: all.END_SESSION_RETURN_PARAMETER,
      method: all.END_SESSION_METHOD,
    },
    asksUserInfo: all.USER_INFO === 'auto',
  };
}

function storeFrom(values: Values): Config['store'] {
  const { SESSION_STORE, REDIS_TIMEOUT } = values as AllValues; // both have defaults
  return SESSION_STORE === 'memory'
    ? { kind: 'memory' }
    : { kind: 'redis', url: new Secret(values.REDIS_URL ?? ''), timeoutMs: REDIS_TIMEOUT };
}
