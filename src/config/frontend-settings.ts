/**
 * What each setting means where the rules file lists frontends: whether each of
 * them says it for itself, has it from the environment unless it says otherwise,
 * or shares it with the whole process.
 *
 * @module
 */

import { type SettingName, settingNames, settingOf } from './schema.ts';

/**
 * - `own`: of one frontend alone. It is a fault to give it in the environment beside
 *   `frontends`, since nobody could say whose it is.
 * - `inherited`: the frontend's, or else the environment's.
 * - `issuer`: as `inherited`, but only where the frontend has the environment's
 *   `ISSUER`; what one provider wants or gets wrong says nothing of another.
 * - `shared`: of the process. No frontend can have another.
 */
export type Reach = 'own' | 'inherited' | 'issuer' | 'shared';

/** The reach of every setting. */
export const reachOfSettings = {
  PUBLIC_URL: 'own',
  HOST: 'shared',
  PORT: 'shared',
  AUTH_BASE_PATH: 'inherited',
  TLS_CERT_FILE: 'inherited',
  TLS_KEY_FILE: 'inherited',
  TRUSTED_PROXIES: 'shared',
  ISSUER: 'inherited',
  CLIENT_ID: 'own',
  CLIENT_SECRET: 'own',
  CLIENT_SECRET_FALLBACK: 'own',
  CLIENT_AUTH_METHOD: 'inherited',
  CLIENT_KEY_FILE: 'inherited',
  CLIENT_KEY_ROTATION: 'inherited',
  CLIENT_CERT_FILE: 'inherited',
  CLIENT_DECRYPTION_KEY_FILE: 'inherited',
  ENCRYPTED_ID_TOKENS: 'inherited',
  CLIENT_ASSERTION_AUDIENCE: 'issuer',
  SCOPES: 'inherited',
  API_AUDIENCE: 'inherited',
  API_AUDIENCE_PARAMETER: 'issuer',
  AUTHORIZATION_PARAMS: 'issuer',
  ID_TOKEN_AUDIENCES: 'issuer',
  ID_TOKEN_MAX_AGE: 'issuer',
  END_SESSION_ENDPOINT: 'issuer',
  END_SESSION_RETURN_PARAMETER: 'issuer',
  END_SESSION_METHOD: 'issuer',
  USER_INFO: 'issuer',
  USER_CLAIMS: 'inherited',
  PROFILE: 'inherited',
  PAR: 'inherited',
  RESPONSE_MODE: 'issuer',
  DPOP: 'inherited',
  PROVIDER_TIMEOUT: 'inherited',
  BACKCHANNEL_LOGOUT_STRICT: 'issuer',
  THIRD_PARTY_LOGIN: 'issuer',
  FRONTCHANNEL_LOGOUT: 'issuer',
  SESSION_SECRETS: 'shared',
  SESSION_STORE: 'shared',
  REDIS_URL: 'shared',
  REDIS_TIMEOUT: 'shared',
  SESSION_IDLE_TIMEOUT: 'inherited',
  SESSION_LIFETIME: 'inherited',
  MAX_AUTHENTICATION_AGE: 'inherited',
  INSECURE_ALLOW_PLAIN_REDIS: 'shared',
  API_UPSTREAM: 'shared',
  RULES_FILE: 'shared',
  PUBLIC_DIR: 'inherited',
  PAGE_UPSTREAM: 'inherited',
  CORS_ALLOWED_ORIGINS: 'own',
  CSRF_MODE: 'inherited',
  OPS_HOST: 'shared',
  OPS_PORT: 'shared',
  WORKERS: 'shared',
  LOG_LEVEL: 'shared',
  READY_STRICT: 'shared',
  SHUTDOWN_TIMEOUT: 'shared',
} as const satisfies Readonly<Record<SettingName, Reach>>;

/**
 * What a frontend does not inherit beside something it says itself: the other one of
 * two ways, or the other half of a pair.
 */
export const notBeside: Readonly<Partial<Record<SettingName, readonly SettingName[]>>> = {
  PUBLIC_DIR: ['PAGE_UPSTREAM'],
  PAGE_UPSTREAM: ['PUBLIC_DIR'],
  TLS_CERT_FILE: ['TLS_KEY_FILE'],
  TLS_KEY_FILE: ['TLS_CERT_FILE'],
  CLIENT_KEY_FILE: ['CLIENT_AUTH_METHOD', 'CLIENT_KEY_ROTATION', 'CLIENT_CERT_FILE'],
  CLIENT_KEY_ROTATION: ['CLIENT_AUTH_METHOD', 'CLIENT_KEY_FILE'],
  CLIENT_CERT_FILE: ['CLIENT_AUTH_METHOD', 'CLIENT_KEY_FILE'],
};

/** What the one frontend that the environment describes is called. Under this name the process makes its tags of persons and sessions, too. */
export const onlyFrontendId = 'default';

/** The settings that a frontend can say for itself, in their order. */
export const frontendSettings: readonly SettingName[] = settingNames.filter(
  (name) => reachOfSettings[name] !== 'shared',
);

/** Whether a name, such as one of Node's, is of the process and not of one frontend. */
export function isShared(name: string): boolean {
  return !(frontendSettings as readonly string[]).includes(name); // a widening, so that any text can be looked for
}

/** What a setting is called in an entry of `frontends`. A secret is not there: it lies in a file or in a variable. */
export function keysOfSetting(name: SettingName): readonly [string, ...string[]] {
  const key = name.toLowerCase();
  return settingOf(name).secret ? [`${key}_file`, `${key}_env`] : [key];
}
