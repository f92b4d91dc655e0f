/**
 * Every setting, once: name, default, meaning, secrecy, and how its text is read.
 *
 * .env.example, docs/configuration.md, the redacted print and the texts of faults
 * are made from this table. What one setting says of another is in cross-checks.ts.
 *
 * @module
 */

import { z } from 'zod';
import { readAddresses } from './addresses.ts';
import { readAuthorizationParams } from './authorization-params.ts';
import { readIssuer } from './issuer.ts';
import { isRandomKey } from './strength.ts';
import {
  isSafeTransport,
  type Read,
  readAudience,
  readBoolean,
  readDuration,
  readHost,
  readInteger,
  readList,
  readOrigin,
  readRedisUrl,
  readScopes,
  readUrl,
  readVisible,
  readWords,
  readWorkers,
} from './values.ts';

/** One setting. */
export interface Setting {
  readonly group: string;
  /** What it means and what follows from it. */
  readonly help: string;
  /** As it would be written; `undefined` where there is none. */
  readonly default?: string;
  readonly example?: string;
  /** Can be given by file, is never printed. */
  readonly secret?: true;
  /** The command that makes a good value. */
  readonly command?: string;
  /** Needed to start: always, or unless something else is so. */
  readonly needed?: 'always' | `unless ${string}`;
  readonly type: z.ZodType;
}

/** Makes an entry of `SESSION_SECRETS`, wherever there is OpenSSL. */
const keyCommand = "openssl rand -base64 32 | tr '+/' '-_' | tr -d =";

/** A zod type of a text that `read` understands; the fault says what is expected and nothing of the text. */
function text<Value>(read: (text: string) => Read<Value>) {
  return z.string().transform((value, context): Value => {
    const result = read(value);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: `must be ${result.expected}.` });
    return z.NEVER;
  });
}

const port = text((value) => readInteger(value, { from: 0, to: 65_535 }));
const duration = text((value) => readDuration(value));
const longDuration = text((value) => readDuration(value, { most: '400d' }));
const boolean = text(readBoolean);
const host = text(readHost);
const path = text((value) =>
  value.trim() === value && !/\p{Cc}/u.test(value)
    ? { value }
    : { expected: 'the path of a file or folder, without spaces at the ends and without line breaks' },
);
const choice = <const Words extends readonly [string, ...string[]]>(...choices: Words) =>
  z.enum(choices, { error: `must be ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.` });

const endSessionPlace = text((value): Read<string> => {
  const url = readUrl(value);
  if (value === 'none' || ('value' in url && isSafeTransport(value))) return { value };
  return { expected: 'a URL such as https://login.example/v2/logout, https unless it is on this machine, or none' };
});

const returnName = text((value) =>
  /^[A-Za-z][A-Za-z0-9_]{0,31}$/.test(value) && !['client_id', 'id_token_hint', 'logout_hint', 'state'].includes(value)
    ? { value }
    : { expected: 'the name of a parameter such as logout_uri, or none' },
);

const basePath = text((value) =>
  /^(\/[A-Za-z0-9_-]+)*$/.test(value) && value !== '/api' && !value.startsWith('/api/')
    ? { value }
    : { expected: 'a path such as /bff, without a slash at the end and not below /api' },
);

const origins = text((value): Read<readonly string[]> => {
  const list = readList(value, readOrigin);
  return list === undefined
    ? {
        expected: 'origins such as https://admin.example, separated by commas, none empty; * and null are not accepted',
      }
    : { value: list };
});

const secrets = text((value): Read<readonly string[]> => {
  const entries = value.split(',').map((entry) => entry.trim());
  return entries.every(isRandomKey) && new Set(entries).size === entries.length
    ? { value: entries }
    : {
        expected: `random entries of 32 bytes or more in base64url, separated by commas, each once. \`${keyCommand}\` makes one`,
      };
});

/** The settings, in the order in which the documentation shows them. */
export const settings = {
  PUBLIC_URL: {
    group: 'Where people reach it',
    help: 'The origin of the page as browsers see it. Cookies, redirect URIs, HSTS and origin checks follow it alone. http only on a loopback name.',
    example: 'https://app.example',
    needed: 'always',
    type: text(readOrigin),
  },
  HOST: {
    group: 'Where people reach it',
    help: 'Address to listen on.',
    default: '127.0.0.1',
    example: '0.0.0.0',
    type: host,
  },
  PORT: {
    group: 'Where people reach it',
    help: 'Port to listen on; 0 chooses a free one.',
    default: '3000',
    example: '8080',
    type: port,
  },
  AUTH_BASE_PATH: {
    group: 'Where people reach it',
    help: 'Path that is put before /login, /callback, /session and /logout.',
    default: '',
    example: '/bff',
    type: basePath,
  },
  TLS_CERT_FILE: {
    group: 'Where people reach it',
    help: 'PEM file of the certificate chain; with it the port speaks TLS 1.2 and newer. Without it, http behind a terminator.',
    example: '/run/tls/cert.pem',
    type: path,
  },
  TLS_KEY_FILE: {
    group: 'Where people reach it',
    help: 'PEM file of the key that belongs to TLS_CERT_FILE.',
    example: '/run/tls/key.pem',
    type: path,
  },
  TRUSTED_PROXIES: {
    group: 'Where people reach it',
    help: 'Addresses of proxies before us whose X-Forwarded-For and X-Forwarded-Proto are believed. Nobody by default.',
    default: '',
    example: '10.0.0.0/8',
    type: text(readAddresses),
  },
  ISSUER: {
    group: 'The authorization server',
    help: 'The issuer identifier of the authorization server, exactly as its metadata states it.',
    example: 'https://login.example',
    needed: 'always',
    type: text(readIssuer),
  },
  CLIENT_ID: {
    group: 'The authorization server',
    help: 'Our client identifier at the authorization server.',
    example: 'orders-app',
    needed: 'always',
    type: text(readVisible),
  },
  CLIENT_SECRET: {
    group: 'The authorization server',
    help: 'Our client secret, as the provider gave it.',
    needed: 'unless CLIENT_AUTH_METHOD is private_key_jwt or a TLS method',
    secret: true,
    type: text(readVisible),
  },
  CLIENT_SECRET_FALLBACK: {
    group: 'The authorization server',
    help: 'While the secret is being replaced: the other one. It is tried where the provider refuses CLIENT_SECRET, so that nobody fails to sign in whichever of both the provider takes.',
    secret: true,
    type: text(readVisible),
  },
  CLIENT_AUTH_METHOD: {
    group: 'The authorization server',
    help: 'How the client proves itself at the token endpoint. private_key_jwt and mutual TLS are the strongest (RFC 9700, 2.5).',
    default: 'client_secret_basic',
    example: 'private_key_jwt',
    type: choice(
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ),
  },
  CLIENT_KEY_FILE: {
    group: 'The authorization server',
    help: 'PEM file (PKCS#8) of the key for private_key_jwt or mutual TLS: Ed25519, P-256, or RSA of 2048 bits or more. Several keys: the first signs, the others are published at /.well-known/jwks.json beside it.',
    example: '/run/secrets/client-key.pem',
    type: path,
  },
  CLIENT_KEY_ROTATION: {
    group: 'The authorization server',
    help: 'Instead of CLIENT_KEY_FILE: keys for private_key_jwt are made by Claimcheck, lie sealed in Redis, and are replaced at this age (1h or more). Register PUBLIC_URL/.well-known/jwks.json as jwks_uri at the provider.',
    example: '30d',
    type: text((value) => readDuration(value, { least: '1h', most: '400d' })),
  },
  CLIENT_CERT_FILE: {
    group: 'The authorization server',
    help: 'PEM file of the certificate chain for mutual TLS (RFC 8705); its key is in CLIENT_KEY_FILE.',
    example: '/run/secrets/client-cert.pem',
    type: path,
  },
  CLIENT_DECRYPTION_KEY_FILE: {
    group: 'The authorization server',
    help: 'PEM file (PKCS#8) of the key that opens encrypted ID tokens, UserInfo and logout tokens: RSA of 2048 bits or more, P-256, P-384, P-521 or X25519. Several keys: the first is published at /.well-known/jwks.json to be encrypted to, the others still open.',
    example: '/run/secrets/decryption-key.pem',
    type: path,
  },
  ENCRYPTED_ID_TOKENS: {
    group: 'The authorization server',
    help: 'With CLIENT_DECRYPTION_KEY_FILE: accepted, beside those in clear, or required of ID tokens and logout tokens.',
    default: 'accepted',
    example: 'required',
    type: choice('accepted', 'required'),
  },
  CLIENT_ASSERTION_AUDIENCE: {
    group: 'The authorization server',
    help: 'Whom private_key_jwt is addressed to: the issuer, or, for servers that know no better, the token endpoint.',
    default: 'issuer',
    type: choice('issuer', 'token-endpoint'),
  },
  SCOPES: {
    group: 'The authorization server',
    help: 'Scopes to ask for. The default leaves out what the metadata does not list.',
    default: 'openid profile email offline_access',
    example: 'openid profile orders.read',
    type: text(readScopes),
  },
  API_AUDIENCE: {
    group: 'The authorization server',
    help: 'The resource the access token shall be for (RFC 8707): an absolute URI, or with API_AUDIENCE_PARAMETER=audience a name.',
    example: 'https://orders.example',
    type: text(readAudience),
  },
  API_AUDIENCE_PARAMETER: {
    group: 'The authorization server',
    help: 'How a provider is told for whom a token shall be: resource (RFC 8707), or audience where it knows that only.',
    default: 'resource',
    example: 'audience',
    type: choice('resource', 'audience'),
  },
  AUTHORIZATION_PARAMS: {
    group: 'The authorization server',
    help: 'Further parameters of every authorization request, for providers that want some of their own. See docs/providers.md.',
    default: '',
    example: 'access_type=offline prompt=consent',
    type: text(readAuthorizationParams),
  },
  ID_TOKEN_AUDIENCES: {
    group: 'The authorization server',
    help: 'Other audiences that an ID token may name beside CLIENT_ID. Whoever is one of them could use the token at us, and we at them; its azp must be CLIENT_ID.',
    default: '',
    example: '257714027772314751',
    type: text(readWords),
  },
  ID_TOKEN_MAX_AGE: {
    group: 'The authorization server',
    help: 'How long ago an ID token may have been issued when it comes (iat), from 30s to 15m. Longer than 5m only for a provider that writes an earlier time, such as Microsoft Entra ID.',
    default: '5m',
    example: '6m',
    type: text((value) => readDuration(value, { least: '30s', most: '15m' })),
  },
  END_SESSION_ENDPOINT: {
    group: 'The authorization server',
    help: 'Where a sign-out leads the browser, for a provider whose metadata does not say so; none: nowhere, the person stays signed in at the provider. By default end_session_endpoint of the metadata.',
    example: 'https://login.example/v2/logout',
    type: endSessionPlace,
  },
  END_SESSION_RETURN_PARAMETER: {
    group: 'The authorization server',
    help: 'What the provider calls the address to come back to: logout_uri, returnTo and so on. With another name than the standard’s, client_id is sent beside it and nothing else; none: the provider is told no address.',
    default: 'post_logout_redirect_uri',
    example: 'logout_uri',
    type: returnName,
  },
  END_SESSION_METHOD: {
    group: 'The authorization server',
    help: 'form: for a provider that demands an ID token at a sign-out. It is then kept, sealed, with the session, and posted by the browser in a form, never in an address. Only a form posted to /logout gets there; a script is told that there is no address.',
    default: 'redirect',
    example: 'form',
    type: choice('redirect', 'form'),
  },
  USER_INFO: {
    group: 'The authorization server',
    help: 'auto: claims that the ID token lacks are asked for at UserInfo, unless the access token is for API_AUDIENCE. never: where the access token is for an API by other means, such as a scope.',
    default: 'auto',
    example: 'never',
    type: choice('auto', 'never'),
  },
  USER_CLAIMS: {
    group: 'The authorization server',
    help: 'Claims that the page may know of the person, beside sub.',
    default: 'name email picture',
    example: 'name',
    type: text(readWords),
  },
  PROFILE: {
    group: 'The authorization server',
    help: 'fapi2: the FAPI 2.0 Security Profile. Turns PAR=required and DPOP=on on, takes PS256, ES256 and EdDSA alone, wants iss in every response, and refuses to start with what contradicts it. See docs/fapi.md.',
    default: 'none',
    example: 'fapi2',
    type: choice('none', 'fapi2'),
  },
  PAR: {
    group: 'The authorization server',
    help: 'Pushed authorization requests (RFC 9126). auto: where the metadata offers them. required: a provider without them is not used.',
    default: 'auto',
    example: 'required',
    type: choice('auto', 'required'),
  },
  RESPONSE_MODE: {
    group: 'The authorization server',
    help: 'How the provider answers the browser: in the query, by form_post (the login cookies are SameSite=None then), or as a signed jwt (JARM). An answer of another kind is refused.',
    default: 'query',
    example: 'jwt',
    type: choice('query', 'form_post', 'jwt'),
  },
  DPOP: {
    group: 'The authorization server',
    help: 'on: tokens are bound to a key of each session, and each call to an upstream proves it (RFC 9449). off by default, on with PROFILE=fapi2.',
    example: 'on',
    type: choice('off', 'on'),
  },
  PROVIDER_TIMEOUT: {
    group: 'The authorization server',
    help: 'How long one answer of the authorization server may take.',
    default: '5s',
    example: '10s',
    type: duration,
  },
  BACKCHANNEL_LOGOUT_STRICT: {
    group: 'The authorization server',
    help: 'true: a logout token must have exp and the type logout+jwt. false: for authorization servers that send neither; every other check stays.',
    default: 'true',
    example: 'false',
    type: boolean,
  },
  THIRD_PARTY_LOGIN: {
    group: 'The authorization server',
    help: 'true: /login?iss=…&target_link_uri=… begins a sign-in for the authorization server or a portal (OIDC Core, 4); register PUBLIC_URL/login as initiate_login_uri. iss must be ISSUER, the target a page of PUBLIC_URL. Who is signed in stays who they are.',
    default: 'false',
    example: 'true',
    type: boolean,
  },
  FRONTCHANNEL_LOGOUT: {
    group: 'The authorization server',
    help: 'true: /frontchannel-logout?iss=…&sid=… ends that session, for authorization servers that have no back-channel logout. They alone may frame it.',
    default: 'false',
    example: 'true',
    type: boolean,
  },
  SESSION_SECRETS: {
    group: 'Sessions',
    help: 'Random keys that seal sessions and sign cookies. The first entry signs and seals, the others still open. Rotation: append, move to the front, remove after SESSION_LIFETIME.',
    command: keyCommand,
    secret: true,
    needed: 'always',
    type: secrets,
  },
  SESSION_STORE: {
    group: 'Sessions',
    help: 'redis, or memory for development: then a restart signs everybody out.',
    default: 'redis',
    example: 'memory',
    type: choice('redis', 'memory'),
  },
  REDIS_URL: {
    group: 'Sessions',
    help: 'Where sessions lie: redis:// or rediss:// (with TLS), with user and password. Several servers: see docs/redis.md.',
    example: 'rediss://claimcheck:…@redis.internal:6379',
    needed: 'unless SESSION_STORE is memory',
    secret: true,
    type: text(readRedisUrl),
  },
  REDIS_TIMEOUT: {
    group: 'Sessions',
    help: 'How long one answer of Redis may take; then the request gets 503.',
    default: '500ms',
    example: '1s',
    type: duration,
  },
  SESSION_IDLE_TIMEOUT: {
    group: 'Sessions',
    help: 'A session without requests ends after this.',
    default: '30m',
    example: '15m',
    type: longDuration,
  },
  SESSION_LIFETIME: {
    group: 'Sessions',
    help: 'A session ends after this in any case.',
    default: '8h',
    example: '12h',
    type: longDuration,
  },
  MAX_AUTHENTICATION_AGE: {
    group: 'Sessions',
    help: 'A person proves who they are to the authorization server at least this often: it is asked for a newer sign-in (max_age), the ID token must tell of one (auth_time), and a session ends this long after it. Without it a session there may be older than ours.',
    example: '12h',
    type: text((value) => readDuration(value, { least: '1m', most: '400d' })),
  },
  INSECURE_ALLOW_PLAIN_REDIS: {
    group: 'Sessions',
    help: 'Allows a Redis on another machine without TLS or without password. Whoever is on that network can then delete and replay sessions.',
    default: 'false',
    example: 'true',
    type: boolean,
  },
  API_UPSTREAM: {
    group: 'What lies behind',
    help: 'Where all of /api goes: /api/orders/7 to /orders/7 below this URL. For more than one route, RULES_FILE.',
    example: 'https://orders.internal/v2',
    needed: 'unless RULES_FILE is given',
    type: text(readUrl),
  },
  RULES_FILE: {
    group: 'What lies behind',
    help: 'YAML file with the routes. Its form is described below the settings in docs/configuration.md.',
    example: 'claimcheck.yaml',
    type: path,
  },
  PUBLIC_DIR: {
    group: 'What lies behind',
    help: 'Folder of the built page. Read once, at start.',
    default: 'public',
    example: 'dist',
    type: path,
  },
  PAGE_UPSTREAM: {
    group: 'What lies behind',
    help: 'Server of the page instead of PUBLIC_DIR: a development server with hot reload, or an asset host.',
    example: 'http://localhost:5173',
    type: text(readUrl),
  },
  CORS_ALLOWED_ORIGINS: {
    group: 'What may call it',
    help: 'Other origins whose pages may call us with the cookie. They must be same-site with PUBLIC_URL, or browsers send no cookie.',
    default: '',
    example: 'https://admin.app.example',
    type: origins,
  },
  CSRF_MODE: {
    group: 'What may call it',
    help: 'token: unsafe requests carry X-CSRF-Token from /session. header: every API request carries X-CSRF: 1.',
    default: 'token',
    example: 'header',
    type: choice('token', 'header'),
  },
  OPS_HOST: {
    group: 'Operations',
    help: 'Address of the operations port.',
    default: '127.0.0.1',
    example: '0.0.0.0',
    type: host,
  },
  OPS_PORT: {
    group: 'Operations',
    help: 'Operations port: /healthz, /readyz, /metrics. Never make it public.',
    default: '9091',
    example: '9091',
    type: port,
  },
  WORKERS: {
    group: 'Operations',
    help: 'Processes that serve: a number from 1 to 64, or auto for one for each core. More than 1 needs sessions in Redis.',
    default: '1',
    example: 'auto',
    type: text(readWorkers),
  },
  LOG_LEVEL: {
    group: 'Operations',
    help: 'Least level of lines in the log: debug, info, warn, error or silent. Audit events are written at every level.',
    default: 'info',
    example: 'warn',
    type: choice('debug', 'info', 'warn', 'error', 'silent'),
  },
  READY_STRICT: {
    group: 'Operations',
    help: 'true: /readyz is 503 while Redis or the provider is away. false: it only says so.',
    default: 'false',
    example: 'true',
    type: boolean,
  },
  SHUTDOWN_TIMEOUT: {
    group: 'Operations',
    help: 'How long requests may take to end after SIGTERM.',
    default: '20s',
    example: '60s',
    type: duration,
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** What can be set, as it is written in the environment. */
export type SettingName = keyof typeof settings;

/** The value of each setting. */
export type AllValues = { readonly [Name in SettingName]: z.infer<(typeof settings)[Name]['type']> };

/** The value of each setting that was given without a fault or has a default. */
export type Values = { readonly [Name in SettingName]?: AllValues[Name] | undefined };

/** All names, in their order. */
export const settingNames = Object.keys(settings) as readonly SettingName[]; // the keys of the table above

/** A setting by name, with every member of its form. */
export function settingOf(name: SettingName): Setting {
  return settings[name];
}
