/**
 * Every setting, once: name, default, meaning, secrecy, and how its text is read.
 *
 * .env.example, docs/configuration.md, the redacted print and the texts of faults
 * are made from this table. What one setting says of another is in load.ts.
 *
 * @module
 */

import { z } from 'zod';
import {
  type Read,
  readAddresses,
  readBoolean,
  readDuration,
  readInteger,
  readOrigin,
  readUrl,
  readWords,
} from './values.ts';

/** One setting. */
export interface Setting {
  readonly group: string;
  /** What it means and what follows from it. */
  readonly help: string;
  /** As it would be written; `undefined` where there is none. */
  readonly default?: string;
  readonly example: string;
  /** Can be given by file, is never printed. */
  readonly secret?: true;
  /** Needed to start, whatever else is set. */
  readonly needed?: true;
  readonly type: z.ZodType;
}

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
const duration = text(readDuration);
const boolean = text(readBoolean);
const words = text(readWords);
const choice = <const Words extends readonly [string, ...string[]]>(...choices: Words) =>
  z.enum(choices, { error: `must be ${choices.join(' or ')}.` });

const basePath = text((value) =>
  /^(\/[A-Za-z0-9_-]+)*$/.test(value) && value !== '/api' && !value.startsWith('/api/')
    ? { value }
    : { expected: 'empty, or a path such as /bff, without a slash at the end and not below /api' },
);

const origins = text((value): Read<readonly string[]> => {
  const read = value
    .split(/[\s,]+/)
    .filter((item) => item !== '')
    .map(readOrigin);
  const values = read.flatMap((one) => ('value' in one ? one.value : []));
  return values.length === read.length
    ? { value: values }
    : { expected: 'origins such as https://admin.example, separated by commas; * and null are not accepted' };
});

const secrets = text((value): Read<readonly string[]> => {
  const entries = value.split(',').map((entry) => entry.trim());
  const isGood = entries.every((entry) => /^[A-Za-z0-9_-]{43,}={0,2}$/.test(entry) && isRandom(entry));
  return isGood && new Set(entries).size === entries.length
    ? { value: entries }
    : { expected: 'random entries of 32 bytes or more in base64url, separated by commas, each once' };
});

// A key that was typed by a person or repeats one character is no key.
function isRandom(entry: string): boolean {
  return new Set(Buffer.from(entry, 'base64url')).size >= 16;
}

/** The settings, in the order in which the documentation shows them. */
export const settings = {
  PUBLIC_URL: {
    group: 'Where people reach it',
    help: 'The origin of the page as browsers see it. Cookies, redirect URIs, HSTS and origin checks follow it alone. http only on a loopback name.',
    example: 'https://app.example',
    needed: true,
    type: text(readOrigin),
  },
  HOST: {
    group: 'Where people reach it',
    help: 'Address to listen on.',
    default: '127.0.0.1',
    example: '0.0.0.0',
    type: z.string().min(1),
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
    help: 'Put before /login, /callback, /session and /logout.',
    default: '',
    example: '/bff',
    type: basePath,
  },
  TLS_CERT_FILE: {
    group: 'Where people reach it',
    help: 'PEM file of the certificate chain; with it the port speaks TLS 1.2 and newer. Without it, http behind a terminator.',
    example: '/run/tls/cert.pem',
    type: z.string().min(1),
  },
  TLS_KEY_FILE: {
    group: 'Where people reach it',
    help: 'PEM file of the key that belongs to TLS_CERT_FILE.',
    example: '/run/tls/key.pem',
    type: z.string().min(1),
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
    help: 'The issuer identifier, exactly as its metadata states it.',
    example: 'https://login.example',
    needed: true,
    type: text(readUrl),
  },
  CLIENT_ID: {
    group: 'The authorization server',
    help: 'Our client identifier there.',
    example: 'orders-app',
    needed: true,
    type: z.string().min(1),
  },
  CLIENT_SECRET: {
    group: 'The authorization server',
    help: 'Our client secret there.',
    example: 'given by your provider',
    secret: true,
    type: z.string().min(1),
  },
  CLIENT_AUTH_METHOD: {
    group: 'The authorization server',
    help: 'How we prove who we are at the token endpoint.',
    default: 'client_secret_basic',
    example: 'private_key_jwt',
    type: choice('client_secret_basic', 'client_secret_post', 'private_key_jwt'),
  },
  CLIENT_KEY_FILE: {
    group: 'The authorization server',
    help: 'PEM file (PKCS#8) of the key for private_key_jwt.',
    example: '/run/secrets/client-key.pem',
    type: z.string().min(1),
  },
  SCOPES: {
    group: 'The authorization server',
    help: 'What is asked for. The default leaves out what the metadata does not list.',
    default: 'openid profile email offline_access',
    example: 'openid profile orders.read',
    type: words,
  },
  API_AUDIENCE: {
    group: 'The authorization server',
    help: 'The resource the access token shall be for (RFC 8707).',
    example: 'https://orders.example',
    type: z.string().min(1),
  },
  USER_CLAIMS: {
    group: 'The authorization server',
    help: 'Claims that the page may know of the person, beside sub.',
    default: 'name email picture',
    example: 'name',
    type: words,
  },
  PROVIDER_TIMEOUT: {
    group: 'The authorization server',
    help: 'How long one answer of it may take.',
    default: '5s',
    example: '10s',
    type: duration,
  },
  SESSION_SECRETS: {
    group: 'Sessions',
    help: 'The first entry signs and seals, the others still open. Rotation: append, move to the front, remove after SESSION_LIFETIME.',
    example: 'made by: openssl rand 32 | basenc --base64url | tr -d =',
    secret: true,
    needed: true,
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
    help: 'Where sessions lie: redis:// or rediss://, with user and password.',
    example: 'rediss://claimcheck:password@redis.internal:6379',
    secret: true,
    type: z.string().regex(/^rediss?:\/\/[^\s/]/, { error: 'must be a URL that begins with redis:// or rediss://.' }),
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
    type: duration,
  },
  SESSION_LIFETIME: {
    group: 'Sessions',
    help: 'A session ends after this in any case.',
    default: '8h',
    example: '12h',
    type: duration,
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
    help: 'Where all of /api goes: /api/orders/7 to <this>/orders/7. For more than one, RULES_FILE.',
    example: 'https://orders.internal/v2',
    type: text(readUrl),
  },
  RULES_FILE: {
    group: 'What lies behind',
    help: 'YAML file with the routes, see below.',
    example: 'claimcheck.yaml',
    type: z.string().min(1),
  },
  PUBLIC_DIR: {
    group: 'What lies behind',
    help: 'Folder of the built page. Read once, at start.',
    default: 'public',
    example: 'dist',
    type: z.string().min(1),
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
    type: z.string().min(1),
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
    help: 'Processes that serve. More than one is not available yet.',
    default: '1',
    example: '1',
    type: choice('1'),
  },
  LOG_LEVEL: {
    group: 'Operations',
    help: 'Audit events are written at every level.',
    default: 'info',
    example: 'warn',
    type: choice('debug', 'info', 'warn', 'error', 'silent'),
  },
  READY_STRICT: {
    group: 'Operations',
    help: 'Whether /readyz is 503 while Redis or the provider is away.',
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
