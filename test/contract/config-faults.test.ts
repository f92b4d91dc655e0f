/**
 * Every fault of a configuration, word for word, as people get to read it.
 *
 * Each row changes settings that start in production, so that it is the change
 * that is refused.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { settingNames } from '../../src/config/schema.ts';
import {
  certificatePair,
  development,
  ellipticPem,
  faultsOf,
  filesWith,
  outcomeOf,
  production,
  rsaPem,
} from '../unit/config/settings.ts';
import { oddProviders } from './odd-providers.ts';
import { openStores, type Row } from './open-stores.ts';
import { profileFaultRows } from './profile-faults.ts';

const [identity, weakIdentity] = [certificatePair(), certificatePair(1024)];
const files = filesWith({
  'rules.yaml': 'routes:\n  - { path: /api, upstream: https://orders.internal }\n',
  'broken.yaml': 'routes:\n  - path: /api\n    path: /api\n',
  'ec.pem': ellipticPem('prime256v1'),
  'rsa1024.pem': rsaPem(1024),
  'none.pem': 'hello',
  empty: '\n',
  '/run/client': `${production.CLIENT_SECRET}\n`,
  'cert.pem': identity.certificate,
  'key.pem': identity.key,
  'other.pem': ellipticPem('prime256v1'),
  'weak-cert.pem': weakIdentity.certificate,
  'weak-key.pem': weakIdentity.key,
});

const faultsWith = (changes: Environment) => faultsOf({ ...production, ...changes }, files);
const namesIn = (faults: readonly string[]) => faults.map((fault) => fault.replace(/:.*/, ''));

/** What is malformed, missing, contradictory or open to everybody. */
const unsafe: readonly Row[] = [
  [
    'no public URL',
    { PUBLIC_URL: undefined },
    ['PUBLIC_URL: is missing. The origin of the page as browsers see it. For example https://app.example'],
  ],
  [
    'a public URL with a path',
    { PUBLIC_URL: 'https://app.example/app' },
    ['PUBLIC_URL: must be an origin such as https://app.example, without a path.'],
  ],
  [
    'plain http for everybody',
    { PUBLIC_URL: 'http://app.example' },
    ['PUBLIC_URL: must be https. Plain http is for loopback names such as http://localhost:3000.'],
  ],
  [
    'a host with a port',
    { HOST: '127.0.0.1:3000' },
    ['HOST: must be an address or a host name such as 127.0.0.1, :: or localhost, without a port.'],
  ],
  ['a port that there is not', { PORT: '65536' }, ['PORT: must be a whole number from 0 to 65535.']],
  [
    'auth routes below the API',
    { AUTH_BASE_PATH: '/api/auth' },
    ['AUTH_BASE_PATH: must be a path such as /bff, without a slash at the end and not below /api.'],
  ],
  [
    'a certificate without its key',
    { TLS_CERT_FILE: 'cert.pem' },
    ['TLS_KEY_FILE: is missing. Certificate and key are given together.'],
  ],
  [
    'a key without its certificate',
    { TLS_KEY_FILE: 'key.pem' },
    ['TLS_CERT_FILE: is missing. Certificate and key are given together.'],
  ],
  [
    'TLS files that are none',
    { TLS_CERT_FILE: 'gone.pem', TLS_KEY_FILE: 'none.pem' },
    [
      'TLS_CERT_FILE: must name a PEM file with a certificate chain (ENOENT).',
      'TLS_KEY_FILE: must name a PEM file with a private key.',
    ],
  ],
  [
    'a path that begins with a space',
    { TLS_CERT_FILE: ' cert.pem', TLS_KEY_FILE: 'key.pem' },
    ['TLS_CERT_FILE: must be the path of a file or folder, without spaces at the ends and without line breaks.'],
  ],
  [
    'trust in every address',
    { TRUSTED_PROXIES: '0.0.0.0/0' },
    [
      'TRUSTED_PROXIES: must be addresses or CIDR ranges such as 10.0.0.0/8, separated by commas, none empty and none wider than /8 (IPv6: /7).',
    ],
  ],
  [
    'no issuer',
    { ISSUER: undefined },
    [
      'ISSUER: is missing. The issuer identifier of the authorization server, exactly as its metadata states it. For example https://login.example',
    ],
  ],
  [
    'an issuer that is no URL',
    { ISSUER: 'login.example' },
    ['ISSUER: must be a URL such as https://login.example/realm, without credentials, query or fragment.'],
  ],
  [
    'an issuer over plain http',
    { ISSUER: 'http://login.example' },
    ['ISSUER: must be https unless it is on this machine.'],
  ],
  [
    'no client identifier',
    { CLIENT_ID: undefined },
    ['CLIENT_ID: is missing. Our client identifier at the authorization server. For example orders-app'],
  ],
  [
    'a client identifier in other letters',
    { CLIENT_ID: 'ordérs' },
    ['CLIENT_ID: must be visible ASCII characters, without spaces at the ends.'],
  ],
  [
    'no client secret',
    { CLIENT_SECRET: undefined },
    [
      'CLIENT_SECRET: is missing, and needed unless CLIENT_AUTH_METHOD is private_key_jwt or a TLS method. Our client secret, as the provider gave it.',
    ],
  ],
  [
    'a client secret of two lines',
    { CLIENT_SECRET: 'with a line\nbreak' },
    ['CLIENT_SECRET: must be visible ASCII characters, without spaces at the ends.'],
  ],
  [
    'a client that proves nothing',
    { CLIENT_AUTH_METHOD: 'none' },
    [
      'CLIENT_AUTH_METHOD: must be client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or self_signed_tls_client_auth.',
    ],
  ],
  ...profileFaultRows,
  [
    'a client that signs without a key',
    { CLIENT_AUTH_METHOD: 'private_key_jwt' },
    ['CLIENT_KEY_FILE: is missing. private_key_jwt signs with it.'],
  ],
  [
    'a key that nothing is signed with',
    { CLIENT_KEY_FILE: 'ec.pem' },
    ['CLIENT_KEY_FILE: is given, but CLIENT_AUTH_METHOD is client_secret_basic. Choose one.'],
  ],
  [
    'a client that shows no certificate',
    { CLIENT_AUTH_METHOD: 'tls_client_auth' },
    [
      'CLIENT_KEY_FILE: is missing. tls_client_auth shows a certificate.',
      'CLIENT_CERT_FILE: is missing. tls_client_auth shows a certificate.',
    ],
  ],
  [
    'a certificate that is not the one of the key',
    { CLIENT_AUTH_METHOD: 'self_signed_tls_client_auth', CLIENT_CERT_FILE: 'cert.pem', CLIENT_KEY_FILE: 'ec.pem' },
    ['CLIENT_KEY_FILE: must hold the key of the first certificate in CLIENT_CERT_FILE.'],
  ],
  [
    'a certificate that is shown to nobody',
    { CLIENT_CERT_FILE: 'cert.pem' },
    ['CLIENT_CERT_FILE: is given, but CLIENT_AUTH_METHOD is client_secret_basic. Choose one.'],
  ],
  [
    'client keys of two origins',
    { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'ec.pem', CLIENT_KEY_ROTATION: '30d' },
    ['CLIENT_KEY_ROTATION: is given, and CLIENT_KEY_FILE too. Choose one.'],
  ],
  [
    'client keys that are replaced all the time',
    { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_ROTATION: '10m' },
    ['CLIENT_KEY_ROTATION: must be a duration such as 500ms, 30s, 15m or 8h, and at least 1h and at most 400d.'],
  ],
  [
    'client keys that nobody else finds',
    {
      PUBLIC_URL: 'http://localhost:3000',
      SESSION_STORE: 'memory',
      CLIENT_AUTH_METHOD: 'private_key_jwt',
      CLIENT_KEY_ROTATION: '30d',
    },
    ['CLIENT_KEY_ROTATION: needs SESSION_STORE=redis, where all instances find the same keys.'],
  ],
  [
    'a second client secret of two lines',
    { CLIENT_SECRET_FALLBACK: 'with a line\nbreak' },
    ['CLIENT_SECRET_FALLBACK: must be visible ASCII characters, without spaces at the ends.'],
  ],
  [
    'logout tokens that are half strict',
    { BACKCHANNEL_LOGOUT_STRICT: 'a little' },
    ['BACKCHANNEL_LOGOUT_STRICT: must be true or false.'],
  ],
  ['a logout in a frame, perhaps', { FRONTCHANNEL_LOGOUT: 'perhaps' }, ['FRONTCHANNEL_LOGOUT: must be true or false.']],
  [
    'assertions for somebody else',
    { CLIENT_ASSERTION_AUDIENCE: 'everybody' },
    ['CLIENT_ASSERTION_AUDIENCE: must be issuer or token-endpoint.'],
  ],
  [
    'a client key that is not there',
    { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'gone.pem' },
    ['CLIENT_KEY_FILE: must name a PEM file with a private key (PKCS#8) (ENOENT).'],
  ],
  [
    'scopes without openid',
    { SCOPES: 'profile' },
    ['SCOPES: must be scopes separated by spaces, with openid among them.'],
  ],
  [
    'an audience that is no URI',
    { API_AUDIENCE: 'orders' },
    ['API_AUDIENCE: must be an absolute URI such as https://orders.example, without a fragment.'],
  ],
  ['a claim that is no word', { USER_CLAIMS: 'name "' }, ['USER_CLAIMS: must be words separated by spaces or commas.']],
  [
    'a duration without a unit',
    { PROVIDER_TIMEOUT: '5' },
    ['PROVIDER_TIMEOUT: must be a duration such as 500ms, 30s, 15m or 8h, and at most 24h.'],
  ],
  [
    'no session secrets',
    { SESSION_SECRETS: undefined },
    [
      "SESSION_SECRETS: is missing. Random keys that seal sessions and sign cookies. Made by: openssl rand -base64 32 | tr '+/' '-_' | tr -d =",
    ],
  ],
  ['sessions in files', { SESSION_STORE: 'file' }, ['SESSION_STORE: must be redis or memory.']],
  [
    'sessions in memory',
    { SESSION_STORE: 'memory', REDIS_URL: undefined },
    ['SESSION_STORE: must be redis unless PUBLIC_URL is on a loopback name.'],
  ],
  [
    'a Redis that speaks HTTP',
    { REDIS_URL: 'http://redis.internal' },
    [
      'REDIS_URL: must be a URL such as rediss://user:password@redis.internal:6379/0, with special characters of the password percent-encoded.',
    ],
  ],
  [
    'several Redis servers',
    { REDIS_URL: 'redis+sentinel://a:26379,b:26379/main' },
    [
      'REDIS_URL: must be for several servers a URL such as rediss-sentinel://user:password@a:26379,b:26379/name-of-the-master or rediss-cluster://user:password@a:6379,b:6379.',
    ],
  ],
  [
    'no time for Redis',
    { REDIS_TIMEOUT: '0ms' },
    ['REDIS_TIMEOUT: must be a duration such as 500ms, 30s, 15m or 8h, and at most 24h.'],
  ],
  [
    'an idle timeout in years',
    { SESSION_IDLE_TIMEOUT: '1y' },
    ['SESSION_IDLE_TIMEOUT: must be a duration such as 500ms, 30s, 15m or 8h, and at most 400d.'],
  ],
  [
    'an idle timeout longer than the lifetime',
    { SESSION_IDLE_TIMEOUT: '9h' },
    ['SESSION_IDLE_TIMEOUT: must not be longer than SESSION_LIFETIME. It is 30m where it is not given.'],
  ],
  [
    'a lifetime longer than a year',
    { SESSION_LIFETIME: '500d' },
    ['SESSION_LIFETIME: must be a duration such as 500ms, 30s, 15m or 8h, and at most 400d.'],
  ],
  [
    'an age of a sign-in that is none',
    { MAX_AUTHENTICATION_AGE: '0s' },
    ['MAX_AUTHENTICATION_AGE: must be a duration such as 500ms, 30s, 15m or 8h, and at least 1m and at most 400d.'],
  ],
  [
    'a switch that says yes',
    { INSECURE_ALLOW_PLAIN_REDIS: 'yes' },
    ['INSECURE_ALLOW_PLAIN_REDIS: must be true or false.'],
  ],
  [
    'nothing behind',
    { API_UPSTREAM: undefined },
    [
      'API_UPSTREAM: is missing, and needed unless RULES_FILE is given. Where all of /api goes: /api/orders/7 to /orders/7 below this URL. For example https://orders.internal/v2',
    ],
  ],
  [
    'credentials of a service in its URL',
    { API_UPSTREAM: 'https://u:p@orders.internal' },
    ['API_UPSTREAM: must be a URL such as https://login.example/realm, without credentials, query or fragment.'],
  ],
  [
    'a service over plain http',
    { API_UPSTREAM: 'http://orders.internal' },
    [
      'API_UPSTREAM: must be https unless it is on this machine. A rules file can allow plain http for one route, with insecureAllowHttpUpstream.',
    ],
  ],
  [
    'a service and a rules file',
    { RULES_FILE: 'rules.yaml' },
    ['API_UPSTREAM: is given, and RULES_FILE too. Choose one: API_UPSTREAM stands for the one route /api.'],
  ],
  [
    'a rules file that is not there',
    { API_UPSTREAM: undefined, RULES_FILE: 'gone.yaml' },
    ['RULES_FILE: names the file gone.yaml, which cannot be read (ENOENT).'],
  ],
  [
    'a rules file with a key twice',
    { API_UPSTREAM: undefined, RULES_FILE: 'broken.yaml' },
    ['RULES_FILE: is no plain YAML in line 3: duplicate key.'],
  ],
  [
    'a rules file that begins with a space',
    { RULES_FILE: ' rules.yaml' },
    ['RULES_FILE: must be the path of a file or folder, without spaces at the ends and without line breaks.'],
  ],
  [
    'a page that was not built',
    { PUBLIC_DIR: 'dist' },
    ['PUBLIC_DIR: must be the folder your build writes, with an index.html (ENOENT).'],
  ],
  [
    'a folder that begins with a space',
    { PUBLIC_DIR: ' public' },
    ['PUBLIC_DIR: must be the path of a file or folder, without spaces at the ends and without line breaks.'],
  ],
  [
    'a page over plain http',
    { PAGE_UPSTREAM: 'http://assets.internal' },
    ['PAGE_UPSTREAM: must be https unless it is on this machine.'],
  ],
  [
    'a page with a query',
    { PAGE_UPSTREAM: 'https://assets.internal?x' },
    ['PAGE_UPSTREAM: must be a URL such as https://login.example/realm, without credentials, query or fragment.'],
  ],
  [
    'a page from two places',
    { PAGE_UPSTREAM: 'https://assets.internal', PUBLIC_DIR: 'public' },
    ['PAGE_UPSTREAM: is given, and PUBLIC_DIR too. Choose one.'],
  ],
  [
    'every origin',
    { CORS_ALLOWED_ORIGINS: '*' },
    [
      'CORS_ALLOWED_ORIGINS: must be origins such as https://admin.example, separated by commas, none empty; * and null are not accepted.',
    ],
  ],
  ['no defence against CSRF', { CSRF_MODE: 'off' }, ['CSRF_MODE: must be token or header.']],
  [
    'an operations host of two words',
    { OPS_HOST: 'a b' },
    ['OPS_HOST: must be an address or a host name such as 127.0.0.1, :: or localhost, without a port.'],
  ],
  [
    'an operations port that is the public one',
    { OPS_PORT: '3000' },
    ['OPS_PORT: must differ from PORT: the operations port is never the public one.'],
  ],
  ['a negative port', { OPS_PORT: '-1' }, ['OPS_PORT: must be a whole number from 0 to 65535.']],
  ['no worker', { WORKERS: '0' }, ['WORKERS: must be auto, or a whole number from 1 to 64.']],
  [
    'more workers than a machine has cores',
    { WORKERS: '65' },
    ['WORKERS: must be auto, or a whole number from 1 to 64.'],
  ],
  [
    'two workers with a memory each',
    { WORKERS: '2', SESSION_STORE: 'memory', PUBLIC_URL: 'http://localhost:3000' },
    ['WORKERS: must be 1 with SESSION_STORE=memory: the memory of one process is not seen by the others.'],
  ],
  ['a log level that there is not', { LOG_LEVEL: 'trace' }, ['LOG_LEVEL: must be debug, info, warn, error or silent.']],
  ['a switch that says 1', { READY_STRICT: '1' }, ['READY_STRICT: must be true or false.']],
  [
    'a shutdown of two days',
    { SHUTDOWN_TIMEOUT: '2d' },
    ['SHUTDOWN_TIMEOUT: must be a duration such as 500ms, 30s, 15m or 8h, and at most 24h.'],
  ],
  [
    'a lenient parser of HTTP',
    { NODE_OPTIONS: '--insecure_http_parser' },
    [
      'NODE_OPTIONS: must not have --inspect, --insecure-http-parser, --tls-keylog, --security-revert, or a TLS version before 1.2.',
    ],
  ],
  [
    'a log of headers',
    { NODE_DEBUG: 'http' },
    ['NODE_DEBUG: must not be set: it writes headers, with cookies and tokens in them, to standard error.'],
  ],
  [
    'a log of session ids',
    { DEBUG: 'express:*' },
    ['DEBUG: must not name * or express: it writes session ids to standard error.'],
  ],
  [
    'a setting with two letters swapped',
    { CLIENT_SECERT: 'x' },
    ['CLIENT_SECERT: is not a setting. Did you mean CLIENT_SECRET?'],
  ],
  [
    'a file for what is no secret',
    { ISSUER_FILE: '/run/issuer' },
    ['ISSUER_FILE: is not a setting. Only secrets can lie in a file; give ISSUER itself.'],
  ],
  [
    'a setting with our name before it',
    { CLAIMCHECK_CSRF_MODE: 'header' },
    ['CLAIMCHECK_CSRF_MODE: is not a setting. Did you mean CSRF_MODE?'],
  ],
  ['a setting in small letters', { csrf_mode: 'header' }, ['csrf_mode: is not a setting. Did you mean CSRF_MODE?']],
];

/** Keys and secrets that can be guessed. */
const weak: readonly Row[] = [
  [
    'a session secret that is the client secret',
    { SESSION_SECRETS: production.CLIENT_SECRET },
    ['SESSION_SECRETS: must not be CLIENT_SECRET or the password of REDIS_URL: each key has one purpose.'],
  ],
  [
    'the key of another certificate',
    { TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'other.pem' },
    ['TLS_KEY_FILE: must hold the key of the first certificate in TLS_CERT_FILE.'],
  ],
  [
    'a TLS key that is too small',
    { TLS_CERT_FILE: 'weak-cert.pem', TLS_KEY_FILE: 'weak-key.pem' },
    ['TLS_KEY_FILE: must hold an Ed25519 key, a P-256, P-384 or P-521 key, or an RSA key of 2048 bits or more.'],
  ],
  [
    'a client secret out of an example',
    { CLIENT_SECRET: 'changeme' },
    ['CLIENT_SECRET: must be the one your provider gave, not one of an example.'],
  ],
  [
    'a client key that is none',
    { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'none.pem' },
    ['CLIENT_KEY_FILE: must name a PEM file with a private key (PKCS#8).'],
  ],
  [
    'a client key that is too small',
    { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'rsa1024.pem' },
    ['CLIENT_KEY_FILE: must hold an Ed25519 key, a P-256 key, or an RSA key of 2048 bits or more.'],
  ],
  [
    'a session secret out of an example',
    { SESSION_SECRETS: 'changeme' },
    [
      "SESSION_SECRETS: must be random entries of 32 bytes or more in base64url, separated by commas, each once. `openssl rand -base64 32 | tr '+/' '-_' | tr -d =` makes one.",
    ],
  ],
  [
    'a Redis password out of an example',
    { REDIS_URL: 'rediss://:changeme@redis.internal' },
    ['REDIS_URL: must have a password of its own, not one of an example.'],
  ],
  [
    'a Redis password out of an example, percent-encoded',
    { REDIS_URL: 'rediss://:change%2Dme@redis.internal' },
    ['REDIS_URL: must have a password of its own, not one of an example.'],
  ],
];

/** Secrets that are in two places, or in none. */
const misplaced: readonly Row[] = [
  [
    'a client secret and its file',
    { CLIENT_SECRET_FILE: '/run/client' },
    ['CLIENT_SECRET: is given, and CLIENT_SECRET_FILE too. Choose one.'],
  ],
  [
    'a client secret in a file that is not there',
    { CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: '/run/gone' },
    ['CLIENT_SECRET_FILE: names the file /run/gone that cannot be read (ENOENT).'],
  ],
  [
    'a client secret in a file without a place',
    { CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: 'gone' },
    ['CLIENT_SECRET_FILE: names a file that cannot be read (ENOENT).'],
  ],
  [
    'a client secret in an empty file',
    { CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: 'empty' },
    ['CLIENT_SECRET_FILE: names a file that is empty.'],
  ],
];

/** Peers that could be anybody. */
const uncheckedPeers: readonly Row[] = [
  [
    'certificates that nobody checks',
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    [
      'NODE_TLS_REJECT_UNAUTHORIZED: must not be 0: it switches off every check of certificates. NODE_EXTRA_CA_CERTS adds your own CA.',
    ],
  ],
];

const all = [...unsafe, ...weak, ...misplaced, ...oddProviders, ...openStores, ...uncheckedPeers];

describe('a fault of the configuration', () => {
  it.each(unsafe)('TL-07: is told of %s', (_name, changes, faults) => {
    expect(faultsWith(changes)).toEqual(faults);
  });

  it.each(weak)('CA-13: is told of %s', (_name, changes, faults) => {
    expect(faultsWith(changes)).toEqual(faults);
  });

  it.each(misplaced)('CA-18: is told of %s', (_name, changes, faults) => {
    expect(faultsWith(changes)).toEqual(faults);
  });

  it.each(oddProviders)('LS-10: is told of %s', (_name, changes, faults) => {
    expect(faultsWith(changes)).toEqual(faults);
  });

  it.each(openStores)('TL-06: is told of %s', (_name, changes, faults) => {
    expect(faultsWith(changes)).toEqual(faults);
  });

  it.each(uncheckedPeers)('TL-02: is told of %s', (_name, changes, faults) => {
    expect(faultsWith(changes)).toEqual(faults);
  });

  it('stands in this list for every setting', () => {
    const named = new Set(all.flatMap(([, , faults]) => namesIn(faults)));

    expect(settingNames.filter((name) => !named.has(name))).toEqual([]);
  });
});

describe('a configuration without faults', () => {
  it.each([
    ['production', production],
    ['this machine', development],
    ['a page from a development server', { ...development, PAGE_UPSTREAM: 'http://localhost:5173' }],
    ['a service over plain http in development', { ...development, API_UPSTREAM: 'http://orders.internal' }],
    ['TLS of its own', { ...production, TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'key.pem' }],
    ['a rules file', { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' }],
    ['a secret in a file', { ...production, CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: '/run/client' }],
    [
      'a client that signs',
      { ...production, CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'ec.pem', CLIENT_SECRET: undefined },
    ],
    [
      'a plain Redis that is allowed by name',
      { ...production, REDIS_URL: 'redis://redis.internal', INSECURE_ALLOW_PLAIN_REDIS: 'true' },
    ],
    ['a plain Redis on this machine', { ...production, REDIS_URL: 'redis://127.0.0.1:6379' }],
    [
      'checks of certificates that are on',
      { ...production, NODE_TLS_REJECT_UNAUTHORIZED: '1', NODE_EXTRA_CA_CERTS: '/run/ca.pem' },
    ],
    ['options of Node that open nothing', { ...production, NODE_OPTIONS: '--max-old-space-size=512', DEBUG: 'app:*' }],
  ] satisfies (readonly [string, Environment])[])('TL-02, TL-06, TL-07, CA-13, CA-18: starts for %s', (_name, env) => {
    expect(faultsOf(env, files)).toEqual([]);
  });

  it.each([
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['NODE_OPTIONS', '--inspect'],
    ['NODE_DEBUG', 'http'],
  ])('TL-02: may have %s for development, and is warned', (name, text) => {
    const { warnings } = outcomeOf({ ...development, [name]: text }) as { warnings: readonly string[] };
    expect(warnings).toContain(`${name}: refused where PUBLIC_URL is not on a loopback name.`);
  });
});
