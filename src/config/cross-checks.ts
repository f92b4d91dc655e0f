/**
 * What one setting says of another: contradictions, what is refused outside of
 * this machine, and what is worth a warning. Pure but for the files it is handed.
 *
 * @module
 */

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isLoopbackName } from '../base/loopback.ts';
import type { SettingName, Values } from './schema.ts';
import { isSafeTransport } from './values.ts';

/** What else is looked at. */
export interface Surroundings {
  /** Settings that have a fault already: nothing more is said of them. */
  readonly faulty: ReadonlySet<string>;
  readonly env: Readonly<Partial<Record<SettingName, string>>>;
  readonly tlsChecksAreOff: boolean;
  readonly files: { readFile(path: string): string };
}

/** Whether people reach it from other machines. */
export function isProduction({ PUBLIC_URL }: Values): boolean {
  return PUBLIC_URL !== undefined && !isLoopbackName(new URL(PUBLIC_URL).hostname);
}

/** The faults that more than one setting make together. */
export function contradictionsIn(values: Values, around: Surroundings): readonly string[] {
  const found = [
    ...storeFaults(values),
    ...clientFaults(values, around),
    ...behindFaults(values, around),
    ...timeFaults(values),
    ...tlsFaults(values),
    ...(isProduction(values) ? productionFaults(values, around) : []),
  ];
  return found.filter(({ name }) => !around.faulty.has(name)).map(({ name, fault }) => `${name}: ${fault}`);
}

interface Fault {
  readonly name: SettingName | 'NODE_TLS_REJECT_UNAUTHORIZED';
  readonly fault: string;
}

function storeFaults({ SESSION_STORE, REDIS_URL }: Values): readonly Fault[] {
  if (SESSION_STORE === 'redis' && REDIS_URL === undefined) {
    return [
      {
        name: 'REDIS_URL',
        fault: 'is missing. Sessions lie in Redis; SESSION_STORE=memory keeps them in this process, for development.',
      },
    ];
  }
  return [];
}

function clientFaults(
  { CLIENT_AUTH_METHOD, CLIENT_SECRET, CLIENT_KEY_FILE }: Values,
  { files }: Surroundings,
): readonly Fault[] {
  if (CLIENT_AUTH_METHOD === undefined) return [];
  if (CLIENT_AUTH_METHOD !== 'private_key_jwt') {
    if (CLIENT_SECRET !== undefined) return [];
    return [
      {
        name: 'CLIENT_SECRET',
        fault: `is missing. ${CLIENT_AUTH_METHOD} needs it; private_key_jwt needs CLIENT_KEY_FILE instead.`,
      },
    ];
  }
  if (CLIENT_KEY_FILE === undefined)
    return [{ name: 'CLIENT_KEY_FILE', fault: 'is missing. private_key_jwt signs with it.' }];
  const fault = keyFault(CLIENT_KEY_FILE, files);
  return fault === undefined ? [] : [{ name: 'CLIENT_KEY_FILE', fault }];
}

function keyFault(path: string, files: Surroundings['files']): string | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey(files.readFile(path));
  } catch {
    return 'must be a readable PEM file with a private key (PKCS#8).'; // why it is not would show parts of it
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ed25519') return undefined;
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return undefined;
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return undefined;
  return 'must be an Ed25519, P-256, or RSA key of 2048 bits or more.';
}

function behindFaults(
  { API_UPSTREAM, RULES_FILE, PAGE_UPSTREAM }: Values,
  { env, faulty }: Surroundings,
): readonly Fault[] {
  const faults: Fault[] = [];
  const isWritten = API_UPSTREAM !== undefined || RULES_FILE !== undefined || faulty.has('RULES_FILE');
  if (!isWritten) {
    faults.push({
      name: 'API_UPSTREAM',
      fault:
        'is missing. It, or a RULES_FILE with routes, says where calls of the page go. For example https://orders.internal/v2.',
    });
  }
  if (API_UPSTREAM !== undefined && RULES_FILE !== undefined) {
    faults.push({
      name: 'API_UPSTREAM',
      fault: 'and RULES_FILE are both given. Choose one: API_UPSTREAM is the route { path: /api }.',
    });
  }
  if (PAGE_UPSTREAM !== undefined && env.PUBLIC_DIR !== undefined) {
    faults.push({ name: 'PAGE_UPSTREAM', fault: 'and PUBLIC_DIR are both given. Choose one.' });
  }
  return faults;
}

function timeFaults({ SESSION_IDLE_TIMEOUT, SESSION_LIFETIME }: Values): readonly Fault[] {
  const isLonger = (SESSION_IDLE_TIMEOUT ?? 0) > (SESSION_LIFETIME ?? Number.POSITIVE_INFINITY);
  return isLonger ? [{ name: 'SESSION_IDLE_TIMEOUT', fault: 'must not be longer than SESSION_LIFETIME.' }] : [];
}

function tlsFaults({ PUBLIC_URL, TLS_CERT_FILE, TLS_KEY_FILE }: Values): readonly Fault[] {
  const faults: Fault[] = [];
  if ((TLS_CERT_FILE === undefined) !== (TLS_KEY_FILE === undefined)) {
    const name = TLS_CERT_FILE === undefined ? 'TLS_CERT_FILE' : 'TLS_KEY_FILE';
    faults.push({ name, fault: 'is missing. Certificate and key are given together.' });
  }
  if (PUBLIC_URL !== undefined && !isSafeTransport(PUBLIC_URL)) {
    faults.push({
      name: 'PUBLIC_URL',
      fault: 'must be https. Plain http is for loopback names such as http://localhost:3000.',
    });
  }
  return faults;
}

function productionFaults(values: Values, around: Surroundings): readonly Fault[] {
  const { SESSION_STORE, ISSUER, API_UPSTREAM, PAGE_UPSTREAM } = values;
  const faults: Fault[] = [];
  if (SESSION_STORE === 'memory')
    faults.push({ name: 'SESSION_STORE', fault: 'must be redis unless PUBLIC_URL is on a loopback name.' });
  if (ISSUER !== undefined && !isSafeTransport(ISSUER)) faults.push({ name: 'ISSUER', fault: 'must be https.' });
  if (API_UPSTREAM !== undefined && !isSafeTransport(API_UPSTREAM)) {
    faults.push({
      name: 'API_UPSTREAM',
      fault: 'must be https. A rules file can allow plain http for one route, with insecureAllowHttpUpstream.',
    });
  }
  if (PAGE_UPSTREAM !== undefined && !isSafeTransport(PAGE_UPSTREAM)) {
    faults.push({ name: 'PAGE_UPSTREAM', fault: 'must be https unless it is on this machine.' });
  }
  if (around.tlsChecksAreOff) {
    faults.push({
      name: 'NODE_TLS_REJECT_UNAUTHORIZED',
      fault: 'must not be 0: it switches off every check of certificates. Give your own CA by NODE_EXTRA_CA_CERTS.',
    });
  }
  return [...faults, ...redisFaults(values)];
}

function redisFaults({ REDIS_URL, SESSION_STORE, INSECURE_ALLOW_PLAIN_REDIS }: Values): readonly Fault[] {
  if (SESSION_STORE !== 'redis' || REDIS_URL === undefined || INSECURE_ALLOW_PLAIN_REDIS) return [];
  const url = new URL(REDIS_URL);
  if (isLoopbackName(url.hostname) || (url.protocol === 'rediss:' && url.password !== '')) return [];
  return [
    {
      name: 'REDIS_URL',
      fault:
        'must be rediss:// with a password when Redis is on another machine. INSECURE_ALLOW_PLAIN_REDIS=true allows less.',
    },
  ];
}

/** What is allowed but worth a line in the log at start. */
export function warningsOf(values: Values): readonly string[] {
  const {
    PUBLIC_URL = '',
    SESSION_STORE,
    CLIENT_AUTH_METHOD,
    CORS_ALLOWED_ORIGINS = [],
    INSECURE_ALLOW_PLAIN_REDIS,
  } = values;
  const warnings: string[] = [];
  if (!isProduction(values))
    warnings.push(
      'PUBLIC_URL is on a loopback name: cookies have no __Host- prefix, and no Secure over http. For development.',
    );
  if (SESSION_STORE === 'memory') warnings.push('SESSION_STORE=memory: a restart signs everybody out.');
  if (INSECURE_ALLOW_PLAIN_REDIS)
    warnings.push('INSECURE_ALLOW_PLAIN_REDIS: whoever is on the way to Redis can delete and replay sessions.');
  if (isProduction(values) && CLIENT_AUTH_METHOD !== 'private_key_jwt') {
    warnings.push('CLIENT_AUTH_METHOD: private_key_jwt is stronger than a shared secret (RFC 9700, 2.5).');
  }
  const foreign = CORS_ALLOWED_ORIGINS.filter((origin) => !isProbablySameSite(origin, PUBLIC_URL));
  for (const origin of foreign) {
    warnings.push(
      `CORS_ALLOWED_ORIGINS: ${origin} does not seem to be same-site with PUBLIC_URL; then browsers send no SameSite=Strict cookie with its requests.`,
    );
  }
  return warnings;
}

// Same scheme, and one host is the other or below it, or both share all but the first label. Without the list of public
// suffixes no more can be known; it only warns.
function isProbablySameSite(origin: string, publicUrl: string): boolean {
  const left = new URL(origin);
  const right = new URL(publicUrl);
  const parentOf = (host: string) => host.split('.').slice(1).join('.');
  const isBelow = (host: string, other: string) => host === other || host.endsWith(`.${other}`);
  const shareParent = parentOf(left.hostname) === parentOf(right.hostname) && parentOf(left.hostname).includes('.');
  const areRelated = isBelow(left.hostname, right.hostname) || isBelow(right.hostname, left.hostname) || shareParent;
  return left.protocol === right.protocol && areRelated;
}
