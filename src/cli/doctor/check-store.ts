/**
 * Looks at the place where sessions lie.
 *
 * @module
 */

import { probeRedis } from '../../redis/probe.ts';
import { adviceFor } from './ask.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const leastLimitMs = 2_000;

/** Whether Redis can be reached, lets us in, and keeps what it is given. */
export async function checkStore({ config, clock }: Around): Promise<readonly Finding[]> {
  const { store } = config;
  if (store.kind === 'memory') return [warn('store', 'sessions lie in memory: they end with the process')];
  const isPlain = store.url.reveal().startsWith('redis:');
  const probe = await probeRedis(store.url, { clock, limitMs: Math.max(leastLimitMs, store.timeoutMs) });
  if (probe.kind === 'reached') {
    const faults = probe.faults.map((fault) => fail('redis', fault));
    return faults.length > 0 ? faults : [ok('redis', 'is reached, and fit for sessions')];
  }
  return [fail('redis', probe.kind === 'refused' ? refusalAdvice(probe.word) : awayAdvice(probe.word, { isPlain }))];
}

function refusalAdvice(word: string): string {
  if (word === 'NOAUTH') return 'asks for a password: put one into REDIS_URL, redis://user:password@host:port';
  if (word === 'WRONGPASS')
    return 'refuses user or password: compare REDIS_URL with the ACL of the server (percent-encode signs such as @ : / in a password)';
  if (word === 'NOPERM') return 'lets us in, but forbids a command: docs/operations.md has the ACL line that is needed';
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
