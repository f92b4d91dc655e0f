/**
 * Thousands of answers that are none, from every endpoint of the provider: whoever
 * needed them is told, and afterwards the server holds what it held before.
 */

import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { Fault } from '../support/hostile/fault.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type Held, type MeasuredProcess, startMeasured } from '../support/measured-process.ts';
import { freePort } from '../support/ports.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';

const megabyte = 1024 ** 2;
/** What may live more after the second round than after the first, which has compiled and allocated what is so once. */
const mostLiveBytes = 4 * megabyte;
/** The same for resident memory, of which the collector keeps some for later. */
const mostResidentBytes = 96 * megabyte;
const timeoutMs = 400;
/** Between two attempts to revoke a token; more than two fail of none. */
const longestPauseMs = 9_000;

type Place = 'par' | 'token' | 'userinfo' | 'jwks' | 'refresh' | 'revoke';

const faults: readonly (readonly [string, Fault])[] = [
  ['slow', { kind: 'drip', everyMs: 40 }],
  ['silent', { kind: 'hang', at: 'before-headers' }],
  ['answering 429', { kind: 'instead', status: 429, headers: { 'retry-after': '1' } }],
  ['answering 500', { kind: 'instead', status: 500, body: 'x'.repeat(60_000) }],
  ['a page', { kind: 'html', body: `<!doctype html>${'x'.repeat(60_000)}` }],
  ['huge', { kind: 'huge', bytes: 30 * megabyte }],
  ['redirecting', { kind: 'redirect', to: 'http://127.0.0.1:9/elsewhere' }],
  ['half-closed', { kind: 'half-close' }],
];

const client = { clientId: 'measured', clientSecret: randomBytes(24).toString('hex') };
const clock = new ShiftedClock();
let redis: RedisServer;
let hostile: HostileProvider;
let upstream: Upstream;
let served: MeasuredProcess;
let origin: string;
let asked = 0;
/** How many answers were spoilt. */
let spoilt = 0;

beforeAll(async () => {
  [redis, hostile, upstream] = await Promise.all([
    startRedis(),
    startHostileProvider({ clients: [client], clock, par: true }),
    startUpstream(echo),
  ]);
  const port = await freePort();
  origin = `http://localhost:${port}`;
  served = await startMeasured({
    ...{ PORT: String(port), OPS_PORT: '0', PUBLIC_URL: origin, ISSUER: hostile.issuer, REDIS_URL: redis.url },
    ...{ CLIENT_ID: client.clientId, CLIENT_SECRET: client.clientSecret, API_UPSTREAM: upstream.origin },
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
    USER_CLAIMS: 'name nickname', // what the ID token lacks is asked for at UserInfo
    PROVIDER_TIMEOUT: `${timeoutMs}ms`,
    REDIS_TIMEOUT: '5s', // it is another's turn to be late
  });
});

afterAll(async () => {
  await served.close();
  await Promise.all([hostile.close(), upstream.stop(), redis.stop()]);
});

interface Answer {
  readonly status: number;
  readonly location: string;
  /** Those that it sets, as they are sent back. */
  readonly cookie: string;
  readonly text: string;
}

interface Asking {
  readonly method?: string;
  readonly cookie?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request, of somebody with an address of their own: of 200, each again after the limit of sign-ins has passed. */
function ask(path: string, { method = 'GET', cookie = '', headers = {} }: Asking = {}): Promise<Answer> {
  const localAddress = `127.1.1.${1 + (asked++ % 200)}`;
  const options = { host: '127.0.0.1', port: served.port, method, localAddress, agent: false } as const;
  const fields = { Host: new URL(origin).host, ...(cookie === '' ? {} : { Cookie: cookie }), ...headers };
  return new Promise((resolve, reject) => {
    const sent = request(
      { ...options, path, headers: fields },
      (message) => void answerOf(message).then(resolve, reject),
    );
    sent.on('error', reject).end();
  });
}

async function answerOf(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  const set = (message.headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
  return {
    status: message.statusCode ?? 0,
    location: message.headers.location ?? '',
    cookie: set.filter((pair) => !pair.endsWith('=')).join('; '),
    text: Buffer.concat(chunks).toString(),
  };
}

/** What `work` gives that is not refused. The provider is honest, and late all the same where the machine has other things to do. */
async function surely(work: () => Promise<Answer>, isGood: (answer: Answer) => boolean): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await work();
    if (isGood(answer)) return answer;
    if (attempt === 20) throw new Error(`refused again and again: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
}

/** Goes to the provider; what is given lands with its answer. */
async function arrive(): Promise<() => Promise<Answer>> {
  const begun = await surely(
    () => ask('/login'),
    ({ location }) => location !== '',
  );
  const consent = await fetch(begun.location, { redirect: 'manual' });
  await consent.body?.cancel();
  const { pathname, search } = new URL(consent.headers.get('location') ?? '');
  return () => ask(pathname + search, { cookie: begun.cookie });
}

function signIn(): Promise<Answer> {
  return surely(
    async () => (await arrive())(),
    ({ location }) => location === '/',
  );
}

async function move(ms: number): Promise<void> {
  clock.advance(ms);
  await served.advance(ms);
}

/** Does something `times` times, so many at once as people do. */
async function together(times: number, work: () => Promise<void>): Promise<void> {
  let left = times;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: Math.min(24, times) }, worker));
}

const errorIn = ({ location }: Answer) => new URL(location, origin).searchParams.get('auth_error');

async function signOut(cookie: string): Promise<void> {
  const { csrf_token } = JSON.parse((await ask('/session', { cookie })).text) as { readonly csrf_token: string }; // the contract of /session
  const headers = { 'X-CSRF-Token': csrf_token, Origin: origin };
  expect((await ask('/logout?local=true', { method: 'POST', cookie, headers })).status).toBe(204);
}

/** A fault at one endpoint, while `work` needs it. */
async function spoiled(place: Place, fault: Fault, work: () => Promise<void>): Promise<void> {
  const before = hostile.hits(place);
  hostile.script[place].fault = fault;
  await work();
  hostile.script[place].fault = undefined;
  spoilt += hostile.hits(place) - before;
  await move(61_000); // past every pause after a failure, and the limit of sign-ins
}

/** People who have begun while all was well, and land where it is not. */
async function failToSignIn(place: Place, { fault, times }: { fault: Fault; times: number }): Promise<void> {
  const landings: (() => Promise<Answer>)[] = [];
  await together(times, async () => {
    landings.push(await arrive());
  });
  await spoiled(place, fault, async () => {
    if (place === 'jwks') hostile.keys.rotate({ overlap: false });
    await together(times, async () => {
      const answer = await landings.pop()?.();
      expect(answer === undefined ? '' : errorIn(answer)).toMatch(/^provider_/);
    });
  });
}

async function refreshInVain(cookies: readonly string[]): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const answers = await Promise.all(cookies.map((cookie) => ask('/api/x', { cookie })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    await move(31_000); // past the longest pause
  }
}

/** Everything goes wrong at every endpoint, so often; and nobody who is signed in at its end stays so. */
async function endure(fault: Fault, times: number): Promise<void> {
  await spoiled('par', fault, () =>
    together(times, async () => {
      expect((await ask('/login')).status).toBe(503);
    }),
  );
  await failToSignIn('token', { fault, times });
  await failToSignIn('userinfo', { fault, times: Math.ceil(times / 2) });
  await failToSignIn('jwks', { fault, times: Math.ceil(times / 4) });
  const cookies = await Promise.all(Array.from({ length: Math.ceil(times / 8) }, async () => (await signIn()).cookie));
  await move(310_000);
  await spoiled('refresh', fault, () => refreshInVain(cookies));
  await spoiled('revoke', fault, () => together(cookies.length, () => signOut(cookies.shift() ?? '')));
}

/** What the server holds once nothing is under way: connections have ended, and what was to be revoked is. */
async function settled(): Promise<Held> {
  let revocations = -1;
  let since = 0;
  await eventually(() => {
    if (hostile.hits('revoke') !== revocations) since = performance.now();
    revocations = hostile.hits('revoke');
    return performance.now() - since > longestPauseMs;
  }, 60_000);
  let last = await served.held();
  await eventually(async () => {
    const before = last;
    last = await served.held();
    return last.sockets === before.sockets && Math.abs(last.liveBytes - before.liveBytes) < megabyte / 16;
  }, 20_000);
  return last;
}

async function round(times: number): Promise<Held> {
  for (const [, fault] of faults) await endure(fault, times);
  return settled();
}

describe('a provider that is broken at every endpoint, in every way', () => {
  it('CB-25, ER-08: leaves nothing behind in memory, and no socket open', async () => {
    hostile.script.refresh.reuse = 'tolerated'; // an answer that was lost can be had again (FAPI 2.0, 5.3.2.1)
    expect((await signIn()).location).toBe('/');
    const before = await round(32); // as many at once as in the second
    spoilt = 0;
    const after = await round(120);
    const grown = (what: 'liveBytes' | 'residentBytes') => ((after[what] - before[what]) / megabyte).toFixed(1);
    console.log(
      `${spoilt} answers: ${grown('liveBytes')} MB more live, ${grown('residentBytes')} MB more resident; sockets ${before.sockets}, then ${after.sockets}`,
    );

    expect(spoilt).toBeGreaterThan(2_500);
    expect(after.liveBytes - before.liveBytes).toBeLessThan(mostLiveBytes);
    expect(after.residentBytes - before.residentBytes).toBeLessThan(mostResidentBytes);
    expect(after.sockets).toBeLessThanOrEqual(before.sockets);
    expect((await signIn()).location).toBe('/'); // and it is whole
  }, 300_000);
});
