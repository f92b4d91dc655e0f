/**
 * Looks at the places where sessions lie.
 *
 * @module
 */

import { probeRedis, type RedisProbe } from '../../redis/probe.ts';
import { adviceFor } from './ask.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, skip, warn } from './finding.ts';

const leastLimitMs = 2_000;

/** Whether each Redis server that is named can be reached, lets us in, and keeps what it is given. */
export async function checkStore({ config, clock }: Omit<Around, 'own'>): Promise<readonly Finding[]> {
  const { store } = config;
  if (store.kind === 'memory') return [warn('store', 'sessions lie in memory: they end with the process')];
  const isPlain = !store.url.reveal().startsWith('rediss');
  const probes = await probeRedis(store.url, { clock, limitMs: Math.max(leastLimitMs, store.timeoutMs) });
  const findings = probes.flatMap((probe) => findingsOf(probe, { isPlain, isOneOfMany: probes.length > 1 }));
  return probes.some(({ role }) => role === 'server')
    ? findings
    : [...findings, skip('redis', 'the server that holds sessions was not looked at: no sentinel says where it is')];
}

interface Surroundings {
  readonly isPlain: boolean;
  readonly isOneOfMany: boolean;
}

function findingsOf(probe: RedisProbe, { isPlain, isOneOfMany }: Surroundings): readonly Finding[] {
  const who = isOneOfMany || probe.role === 'sentinel' ? `${probe.role} ${probe.server}: ` : '';
  if (probe.kind !== 'reached') {
    const advice = probe.kind === 'refused' ? refusalAdvice(probe) : awayAdvice(probe.word, { isPlain });
    return [fail('redis', `${who}${advice}`)];
  }
  if (probe.faults.length > 0) return probe.faults.map((fault) => fail('redis', `${who}${fault}`));
  return [ok('redis', `${who}${probe.role === 'sentinel' ? 'names the master' : 'is reached, and fit for sessions'}`)];
}

function refusalAdvice({ word, role }: { readonly word: string; readonly role: RedisProbe['role'] }): string {
  if (role === 'sentinel' && (word === 'NOAUTH' || word === 'WRONGPASS')) {
    return `does not let us in (${word}): sentinel_user and sentinel_password in REDIS_URL are for the sentinels`;
  }
  if (role === 'sentinel' && word === 'ERR') return 'does not know a master of the name that REDIS_URL has for it';
  if (word === 'NOAUTH') return 'asks for a password: put one into REDIS_URL, redis://user:password@host:port';
  if (word === 'WRONGPASS')
    return 'refuses user or password: compare REDIS_URL with the ACL of the server (percent-encode signs such as @ : / in a password)';
  if (word === 'NOPERM') return 'lets us in, but forbids a command: docs/redis.md has the ACL line that is needed';
  return `answers with ${/^[A-Z]{1,20}$/.test(word) ? word : 'an error'}: see the log of the server`;
}

// A server that speaks the other of both protocols breaks off, or waits for more.
function awayAdvice(word: string, { isPlain }: { readonly isPlain: boolean }): string {
  if (isPlain && (word === 'closed' || word === 'ECONNRESET' || word === 'timeout')) {
    return `does not answer in clear (${word}): if it speaks TLS, REDIS_URL must begin with rediss://`;
  }
  if (
    !isPlain &&
    (word === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
      word === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
      word === 'timeout' ||
      word === 'closed' ||
      word === 'ECONNRESET')
  ) {
    return `does not speak TLS (${word}): switch TLS on at the server, or, on this machine only, use redis:// in REDIS_URL`;
  }
  return `REDIS_URL: ${adviceFor(word)}`;
}
