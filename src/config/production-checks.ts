/**
 * What is refused where people reach the server from other machines, and what is
 * allowed there but worth a warning.
 *
 * @module
 */

import { isLoopbackName } from '../base/loopback.ts';
import type { FrontendConfig } from './config.ts';
import type { Environment } from './environment.ts';
import type { Fault } from './faults.ts';
import { parseRedisUrl } from './redis-url.ts';
import { isProbablySameSite } from './same-site.ts';
import type { Values } from './schema.ts';
import { isExampleSecret } from './strength.ts';
import { isSafeTransport } from './values.ts';

/** Whether people reach it from other machines: `PUBLIC_URL` is known, and not on a loopback name. */
export function isProduction({ PUBLIC_URL }: Values): boolean {
  return PUBLIC_URL !== undefined && !isLoopbackName(new URL(PUBLIC_URL).hostname);
}

/** The faults that only matter there. */
export function productionFaults(values: Values, env: Environment): readonly Fault[] {
  return [...transportFaults(values), ...storeFaults(values), ...secretFaults(values), ...nodeFaults(env)];
}

function transportFaults({ ISSUER, API_UPSTREAM, PAGE_UPSTREAM }: Values): readonly Fault[] {
  const isUnsafe = (url: string | undefined) => url !== undefined && !isSafeTransport(url);
  const faults: Fault[] = [];
  if (isUnsafe(ISSUER)) faults.push({ name: 'ISSUER', sentence: 'must be https unless it is on this machine.' });
  if (isUnsafe(API_UPSTREAM)) {
    faults.push({
      name: 'API_UPSTREAM',
      sentence:
        'must be https unless it is on this machine. A rules file can allow plain http for one route, with insecureAllowHttpUpstream.',
    });
  }
  if (isUnsafe(PAGE_UPSTREAM)) {
    faults.push({ name: 'PAGE_UPSTREAM', sentence: 'must be https unless it is on this machine.' });
  }
  return faults;
}

function storeFaults({ REDIS_URL, SESSION_STORE, INSECURE_ALLOW_PLAIN_REDIS }: Values): readonly Fault[] {
  if (SESSION_STORE === 'memory')
    return [{ name: 'SESSION_STORE', sentence: 'must be redis unless PUBLIC_URL is on a loopback name.' }];
  if (REDIS_URL === undefined || INSECURE_ALLOW_PLAIN_REDIS) return [];
  const address = parseRedisUrl(REDIS_URL);
  if (address?.tls && address.password !== undefined) return [];
  // Sentinels and nodes of a cluster name others, whose addresses nobody has checked.
  if (address?.kind === 'single' && address.places.every(({ host }) => isLoopbackName(host))) return [];
  const sentence =
    'must be rediss:// with a password when Redis is on another machine. INSECURE_ALLOW_PLAIN_REDIS=true allows less.';
  return [{ name: 'REDIS_URL', sentence }];
}

function secretFaults({ CLIENT_SECRET, REDIS_URL, SESSION_STORE }: Values): readonly Fault[] {
  const faults: Fault[] = [];
  if (CLIENT_SECRET !== undefined && isExampleSecret(CLIENT_SECRET)) {
    faults.push({ name: 'CLIENT_SECRET', sentence: 'must be the one your provider gave, not one of an example.' });
  }
  const redis = SESSION_STORE === 'redis' && REDIS_URL !== undefined ? parseRedisUrl(REDIS_URL) : undefined;
  const passwords = [redis?.password, redis?.sentinel.password];
  if (passwords.some((password) => password !== undefined && isExampleSecret(password))) {
    faults.push({ name: 'REDIS_URL', sentence: 'must have a password of its own, not one of an example.' });
  }
  return faults;
}

interface Switch {
  readonly name: string;
  readonly isOn: (text: string) => boolean;
  readonly sentence: string;
}

/** Switches of Node and of packages that undo what the product promises. */
const switches: readonly Switch[] = [
  {
    name: 'NODE_TLS_REJECT_UNAUTHORIZED',
    isOn: (text) => text === '0',
    sentence: 'must not be 0: it switches off every check of certificates. NODE_EXTRA_CA_CERTS adds your own CA.',
  },
  {
    name: 'NODE_OPTIONS',
    isOn: (text) =>
      // Node reads --insecure_http_parser as well.
      /--(?:insecure[-_]http[-_]parser|tls[-_]keylog|tls[-_]min[-_]v1\.[01]|security[-_]revert|inspect)/.test(text),
    sentence:
      'must not have --inspect, --insecure-http-parser, --tls-keylog, --security-revert, or a TLS version before 1.2.',
  },
  {
    name: 'NODE_DEBUG',
    isOn: (text) => text !== '',
    sentence: 'must not be set: it writes headers, with cookies and tokens in them, to standard error.',
  },
  {
    name: 'DEBUG',
    isOn: (text) => /(?:^|[\s,])(?:\*|express)/.test(text),
    sentence: 'must not name * or express: it writes session ids to standard error.',
  },
];

function nodeFaults(env: Environment): readonly Fault[] {
  return switches.filter(({ name, isOn }) => isOn(env[name] ?? '')).map(({ name, sentence }) => ({ name, sentence }));
}

/** What warnings are about, beside the values. */
export interface Looked {
  readonly env: Environment;
  readonly routes: FrontendConfig['routes'];
}

/** What is allowed but worth a line in the log at start. Neither repeats a secret. */
export function warningsOf(values: Values, { env, routes }: Looked): readonly string[] {
  const ofPlace = isProduction(values) ? productionWarnings(values, routes) : developmentWarnings(values, env);
  return [...ofPlace, ...originWarnings(values)];
}

function developmentWarnings({ SESSION_STORE }: Values, env: Environment): readonly string[] {
  const warnings = [
    'PUBLIC_URL is on a loopback name: cookies have no __Host- prefix, and no Secure over http. For development.',
  ];
  if (SESSION_STORE === 'memory') warnings.push('SESSION_STORE=memory: a restart signs everybody out.');
  const names = nodeFaults(env).map(({ name }) => name);
  if (names.length > 0) warnings.push(`${names.join(', ')}: refused where PUBLIC_URL is not on a loopback name.`);
  return warnings;
}

function productionWarnings(values: Values, routes: FrontendConfig['routes']): readonly string[] {
  const { CLIENT_AUTH_METHOD, CLIENT_SECRET } = values;
  const warnings: string[] = [];
  if (values.INSECURE_ALLOW_PLAIN_REDIS)
    warnings.push('INSECURE_ALLOW_PLAIN_REDIS: whoever is on the way to Redis can delete and replay sessions.');
  if (CLIENT_AUTH_METHOD?.startsWith('client_secret_'))
    warnings.push('CLIENT_AUTH_METHOD: private_key_jwt is stronger than a shared secret (RFC 9700, 2.5).');
  if (CLIENT_SECRET !== undefined && CLIENT_SECRET.length < 32)
    warnings.push('CLIENT_SECRET has less than 32 characters. Ask your provider for a longer one.');
  const plain = routes.filter(({ upstream }) => !isSafeTransport(upstream.origin)).map(({ path }) => path);
  if (plain.length > 0)
    warnings.push(
      `RULES_FILE: ${plain.join(', ')}: whoever is on the way to the upstream can read tokens and answers.`,
    );
  return warnings;
}

function originWarnings({ PUBLIC_URL = '', CORS_ALLOWED_ORIGINS = [] }: Values): readonly string[] {
  return CORS_ALLOWED_ORIGINS.filter((origin) => !isProbablySameSite(origin, PUBLIC_URL)).map(
    (origin) =>
      `CORS_ALLOWED_ORIGINS: ${origin} does not seem to be same-site with PUBLIC_URL; then browsers send no SameSite=Strict cookie with its requests.`,
  );
}
