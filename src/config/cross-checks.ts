/**
 * What one setting says of another: what is missing because of it, what
 * contradicts it, and the files that settings name. Pure but for the files it is
 * handed. What production refuses is in production-checks.ts.
 *
 * @module
 */

import { join } from 'node:path';
import { profileFaults, refusesClient } from './authorization-flow.ts';
import { clientFaults } from './client-checks.ts';
import { decryptionFaults } from './decryption-checks.ts';
import type { Environment } from './environment.ts';
import { type Fault, missing } from './faults.ts';
import type { Files } from './files.ts';
import { certificateFaults, readAt } from './key-files.ts';
import { isProduction, productionFaults } from './production-checks.ts';
import { parseRedisUrl } from './redis-url.ts';
import { type SettingName, settingOf, type Values } from './schema.ts';
import { isSafeTransport, readResource } from './values.ts';

/** What else is looked at. */
export interface Surroundings {
  /** Settings that have a fault already: nothing more is said of them. */
  readonly faulty: ReadonlySet<string>;
  readonly env: Environment;
  readonly files: Files;
}

/** The faults that settings make together. */
export function contradictionsIn(values: Values, around: Surroundings): readonly Fault[] {
  const found = [
    ...storeFaults(values),
    ...(refusesClient(values) ? [] : clientFaults(values, around)),
    ...profileFaults(values, around.env),
    ...audienceFaults(values),
    ...decryptionFaults(values, around.files),
    ...reuseFaults(values),
    ...behindFaults(values, around),
    ...pageFaults(values, around),
    ...listenFaults(values),
    ...timeFaults(values),
    ...tlsFaults(values, around.files),
    ...(isProduction(values) ? productionFaults(values, around.env) : []),
  ];
  return found.filter(({ name }) => !around.faulty.has(name));
}

function missingNow(name: SettingName): Fault {
  return missing(name, settingOf(name));
}

function storeFaults({ SESSION_STORE, REDIS_URL, WORKERS = 1 }: Values): readonly Fault[] {
  // Each process would have sessions that the others do not know: every second request would be signed out.
  if (SESSION_STORE === 'memory' && WORKERS > 1) {
    const sentence = 'must be 1 with SESSION_STORE=memory: the memory of one process is not seen by the others.';
    return [{ name: 'WORKERS', sentence }];
  }
  return SESSION_STORE === 'redis' && REDIS_URL === undefined ? [missingNow('REDIS_URL')] : [];
}

function audienceFaults({ API_AUDIENCE, API_AUDIENCE_PARAMETER }: Values): readonly Fault[] {
  if (API_AUDIENCE === undefined || API_AUDIENCE_PARAMETER === 'audience') return [];
  const resource = readResource(API_AUDIENCE);
  return 'expected' in resource ? [{ name: 'API_AUDIENCE', sentence: `must be ${resource.expected}.` }] : [];
}

// Who learns a secret that we share with a provider or with Redis must not be able to open sessions with it.
function reuseFaults({ SESSION_SECRETS = [], CLIENT_SECRET, REDIS_URL }: Values): readonly Fault[] {
  const redis = REDIS_URL === undefined ? undefined : parseRedisUrl(REDIS_URL);
  const others = [CLIENT_SECRET, redis?.password, redis?.sentinel.password];
  const isReused = SESSION_SECRETS.some((entry) => others.includes(entry));
  const sentence = 'must not be CLIENT_SECRET or the password of REDIS_URL: each key has one purpose.';
  return isReused ? [{ name: 'SESSION_SECRETS', sentence }] : [];
}

function behindFaults({ API_UPSTREAM, RULES_FILE }: Values, { faulty }: Surroundings): readonly Fault[] {
  if (API_UPSTREAM === undefined && RULES_FILE === undefined && !faulty.has('RULES_FILE'))
    return [missingNow('API_UPSTREAM')];
  return API_UPSTREAM !== undefined && RULES_FILE !== undefined
    ? [
        {
          name: 'API_UPSTREAM',
          sentence: 'is given, and RULES_FILE too. Choose one: API_UPSTREAM stands for the one route /api.',
        },
      ]
    : [];
}

function pageFaults({ PAGE_UPSTREAM, PUBLIC_DIR }: Values, { env, faulty, files }: Surroundings): readonly Fault[] {
  if (PAGE_UPSTREAM !== undefined)
    return env['PUBLIC_DIR'] ? [{ name: 'PAGE_UPSTREAM', sentence: 'is given, and PUBLIC_DIR too. Choose one.' }] : [];
  if (PUBLIC_DIR === undefined || faulty.has('PAGE_UPSTREAM')) return [];
  const index = readAt(join(PUBLIC_DIR, 'index.html'), { files, read: (text) => text });
  return 'value' in index
    ? []
    : [{ name: 'PUBLIC_DIR', sentence: `must be the folder your build writes, with an index.html${index.cause}.` }];
}

function listenFaults({ PORT, OPS_PORT }: Values): readonly Fault[] {
  return PORT !== undefined && PORT !== 0 && PORT === OPS_PORT
    ? [{ name: 'OPS_PORT', sentence: 'must differ from PORT: the operations port is never the public one.' }]
    : [];
}

function timeFaults({
  SESSION_IDLE_TIMEOUT = 0,
  SESSION_LIFETIME = Number.POSITIVE_INFINITY,
}: Values): readonly Fault[] {
  return SESSION_IDLE_TIMEOUT > SESSION_LIFETIME
    ? [
        {
          name: 'SESSION_IDLE_TIMEOUT',
          sentence: `must not be longer than SESSION_LIFETIME. It is ${settingOf('SESSION_IDLE_TIMEOUT').default} where it is not given.`,
        },
      ]
    : [];
}

function tlsFaults({ PUBLIC_URL, TLS_CERT_FILE, TLS_KEY_FILE }: Values, files: Files): readonly Fault[] {
  const faults: Fault[] = [];
  if (PUBLIC_URL !== undefined && !isSafeTransport(PUBLIC_URL)) {
    const sentence = 'must be https. Plain http is for loopback names such as http://localhost:3000.';
    faults.push({ name: 'PUBLIC_URL', sentence });
  }
  if (TLS_CERT_FILE !== undefined && TLS_KEY_FILE !== undefined)
    return [
      ...faults,
      ...certificateFaults({ TLS_CERT_FILE, TLS_KEY_FILE }, { cert: 'TLS_CERT_FILE', key: 'TLS_KEY_FILE', files }),
    ];
  if (TLS_CERT_FILE === undefined && TLS_KEY_FILE === undefined) return faults;
  const name = TLS_CERT_FILE === undefined ? 'TLS_CERT_FILE' : 'TLS_KEY_FILE';
  return [...faults, { name, sentence: 'is missing. Certificate and key are given together.' }];
}
