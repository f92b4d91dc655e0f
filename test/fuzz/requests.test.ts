/**
 * Random requests: what is accepted has one reading, arrives as it was read, and
 * nothing breaks; what nobody may do is not made possible by anything that is sent
 * along.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseTarget } from '../../src/http/path.ts';
import { passedOn } from '../../src/proxy/outbound.ts';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';
import { byte, cookieHeader, headerLine, headerSet, noise } from './lines.ts';
import { bytesOf, type OwnRequest, ownRequest, type Sender } from './own-routes.ts';
import { fuzzing } from './seed.ts';
import { readAgain, strangeTarget, targetEnd } from './targets.ts';
import { type Wire, type WireAnswer, Wires } from './wire.ts';

/** Requests are sent in batches, so that a run of fast-check is worth its time. */
const batch = 50;

let upstream: Upstream;
let world: World;
let wires: Wires;
let cookie: string;
let value: string;

beforeAll(async () => {
  upstream = await startUpstream(() => ({ headers: [['Content-Length', '1']], body: 'x' }));
  world = await startWorld({ upstream: upstream.origin, env: { LOG_LEVEL: 'silent' } });
  const browser = await world.signIn();
  cookie = browser.cookieHeader(`${world.origin}/api/x`) ?? '';
  value = cookie.slice('claimcheck='.length);
  wires = new Wires(world.port, 8);
});

beforeEach(() => upstream.forget());

afterAll(async () => {
  wires.close();
  await world.close();
  await upstream.stop();
});

async function somebody(): Promise<Sender> {
  world.clock.advance(1_000); // past the limit of sign-ins
  const browser = await world.signIn('bob');
  const { csrf_token: token } = await world.session(browser);
  return { cookie: browser.cookieHeader(`${world.origin}/api/x`) ?? '', csrfToken: token };
}

const latin1 = (lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
const many = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.array(arbitrary, { minLength: batch, maxLength: batch });
const statusOf = (answer: WireAnswer) => (answer === 'closed' ? 'closed' : answer.status);

/** The only 5xx that a request alone can cause: a method that nobody serves. */
const isDocumented = (status: number) => status < 500 || status === 501;

async function expectStillServing(): Promise<void> {
  const { final } = await rawRequest(
    world.port,
    latin1(['GET /api/alive HTTP/1.1', 'Host: localhost', `Cookie: ${cookie}`, 'Connection: close']),
    { responses: 1 },
  );
  expect(final[0]?.status).toBe(200);
}

describe('a random target', () => {
  it('GW-05, PX-04: is read as a second, independent reading has it, or refused by both', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.oneof(
          targetEnd.map((end) => `/api/${end}`),
          strangeTarget,
        ),
        (raw) => {
          const read = parseTarget(raw);
          const again = readAgain(raw);
          if (typeof read === 'string') expect(again).toBeUndefined();
          else expect(again).toEqual(read);
          seen[again === undefined ? 'refused' : 'accepted']++;
        },
      ),
      fuzzing('targets', { numRuns: 1_000_000 }),
    );
    console.log(JSON.stringify(seen));
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(10_000);
  });

  it('GW-05, PX-04: has the meaning that browsers and proxies by WHATWG give it', () => {
    fc.assert(
      fc.property(targetEnd, (end) => {
        const read = parseTarget(`/api/${end}`);
        if (typeof read === 'string') return;
        const { pathname, hash } = new URL(`http://upstream${read.path}${read.search}`);
        expect({ pathname, hash }).toEqual({ pathname: read.path, hash: '' });
      }),
      fuzzing('targets by WHATWG', { numRuns: 20_000 }),
    );
  });

  it('GW-05, GW-01: arrives byte for byte as it was read, or does not arrive', async () => {
    const seen = { arrived: 0, refused: 0 };
    const ends = targetEnd.filter((end) => !/[\r\n]|[ \t]$/.test(end)); // these end a request line or its target
    const ask = async (wire: Wire, end: string) => {
      const lines = [`GET /api/${end} HTTP/1.1`, 'Host: localhost', `Cookie: ${cookie}`];
      return { end, status: statusOf(await wire.ask(latin1(lines))) };
    };
    await fc.assert(
      fc.asyncProperty(many(ends), async (given) => {
        upstream.forget();
        const answers = await wires.each(given, ask);
        const accepted = answers.filter(({ status }) => status === 200).map(({ end }) => `/${end}`);
        expect(answers.filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
        expect(upstream.requests.map(({ target }) => target).toSorted()).toEqual(accepted.toSorted());
        expect(accepted.filter((target) => readAgain(`/api${target}`) === undefined)).toEqual([]);
        expect(accepted).toHaveLength(given.filter((end) => readAgain(`/api/${end}`) !== undefined).length);
        seen.arrived += accepted.length;
        seen.refused += answers.length - accepted.length;
      }),
      fuzzing('targets on the wire, in batches', { numRuns: 5_000 / batch, endOnFailure: true }),
    );
    console.log(JSON.stringify(seen));
    expect(Math.min(seen.arrived, seen.refused)).toBeGreaterThan(500);
    expect(upstream.faults).toEqual([]);
  });

  it('GW-05, GW-01: that is not plainly below /api never reaches an upstream', async () => {
    const targets = strangeTarget.filter((raw) => !/[\r\n]|[ \t]$/.test(raw));
    const ask = async (wire: Wire, raw: string) =>
      statusOf(await wire.ask(latin1([`GET ${raw} HTTP/1.1`, 'Host: localhost', `Cookie: ${cookie}`])));
    await fc.assert(
      fc.asyncProperty(many(targets), async (given) => {
        const statuses = await wires.each(given, ask);
        expect(statuses.filter((status) => status !== 200 && status !== 400 && status !== 404)).toEqual([]);
        expect(upstream.begun).toEqual([]);
      }),
      fuzzing('strange targets, in batches', { numRuns: 2_000 / batch, endOnFailure: true }),
    );
    await expectStillServing();
  });
});

describe('a random Cookie header', () => {
  it('CK-09, CK-06: is worth no 5xx, opens no session and sets no cookie', async () => {
    const ask = (wire: Wire, line: string) =>
      wire.ask(latin1(['GET /api/x HTTP/1.1', 'Host: localhost', `Cookie: ${line}`]));
    const tally: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(many(cookieHeader), async (given) => {
        for (const answer of await wires.each(given, ask)) {
          expect([400, 401, 431]).toContain(statusOf(answer));
          expect(answer === 'closed' ? [] : answer.all('set-cookie')).toEqual([]);
          tally[statusOf(answer)] = (tally[statusOf(answer)] ?? 0) + 1;
        }
        expect(upstream.begun).toEqual([]);
      }),
      fuzzing('cookies, in batches', { numRuns: 100_000 / batch, endOnFailure: true }),
    );
    console.log(JSON.stringify(tally));
    expect(Object.keys(tally)).toEqual(['400', '401', '431']);
    await expectStillServing();
  });

  it('CK-08, TS-02: that differs from a good one in a single place opens no session', async () => {
    const changed = fc.tuple(fc.nat(), byte, fc.constantFrom(0, 1)).map(([place, other, removed]) => {
      const at = place % (value.length + 1);
      return value.slice(0, at) + other.replace(/[\r\n; \t]/, '_') + value.slice(at + removed);
    });
    const ask = (wire: Wire, line: string) =>
      wire.ask(latin1(['GET /api/x HTTP/1.1', 'Host: localhost', `Cookie: claimcheck=${line}`]));
    await fc.assert(
      fc.asyncProperty(many(changed.filter((other) => other !== value)), async (given) => {
        const statuses = (await wires.each(given, ask)).map(statusOf);
        expect(statuses.filter((status) => status !== 401 && status !== 400)).toEqual([]);
      }),
      fuzzing('changed cookies, in batches', { numRuns: 2_000 / batch, endOnFailure: true }),
    );
    expect(upstream.begun).toEqual([]);
    await expectStillServing();
  });
});

/** After these a connection may wait for more, or close: it carries nothing else. */
const isAlone = (lines: readonly string[]) =>
  lines.some((line) => /^(connection|upgrade|expect|te|trailer|keep-alive)\b/i.test(line));

describe('a random set of headers', () => {
  it('PX-09, CK-07: turns no 401 into an answer, for no method and no path', async () => {
    const method = fc.constantFrom('GET', 'GET', 'HEAD', 'DELETE', 'PUT', 'POST');
    const request = fc.record({
      method,
      path: fc.constantFrom('/api/x', '/api/', '/api/public?x=/status'),
      lines: headerSet,
    });
    const ask = (wire: Wire, { method, path, lines }: { method: string; path: string; lines: readonly string[] }) =>
      wire.ask(latin1([`${method} ${path} HTTP/1.1`, 'Host: localhost', ...lines]), {
        method,
        alone: isAlone(lines),
      });
    const tally: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(many(request), async (given) => {
        for (const answer of await wires.each(given, ask)) {
          const status = answer === 'closed' ? 0 : answer.status;
          expect(status).toBeGreaterThanOrEqual(400);
          expect(status).toBeLessThan(500);
          tally[status] = (tally[status] ?? 0) + 1;
        }
        expect(upstream.begun).toEqual([]);
      }),
      fuzzing('headers of strangers, in batches', { numRuns: 100_000 / batch, endOnFailure: true }),
    );
    console.log(JSON.stringify(tally));
    expect(tally[401]).toBeGreaterThan(2_000);
    await expectStillServing();
  });

  it('PX-09, PX-10, ER-09: of somebody signed in reaches the upstream as the allowed ones alone', async () => {
    const own = [
      'via',
      'x-request-id',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
      'forwarded',
      'authorization',
      'host',
      'connection',
      'traceparent',
      'tracestate',
    ];
    const allowed = new Set<string>([...passedOn, ...own]);
    const ask = async (wire: Wire, lines: readonly string[]) =>
      statusOf(
        await wire.ask(latin1(['GET /api/x HTTP/1.1', 'Host: localhost', `Cookie: ${cookie}`, ...lines]), {
          alone: isAlone(lines),
        }),
      );
    let arrived = 0;
    await fc.assert(
      fc.asyncProperty(many(headerSet), async (given) => {
        upstream.forget();
        const statuses = await wires.each(given, ask);
        expect(statuses.filter((status) => status === 'closed' || !isDocumented(status))).toEqual([]);
        const { requests } = upstream;
        expect(requests).toHaveLength(statuses.filter((status) => status === 200).length);
        for (const request of requests) {
          const names = request.headers.map(([name]) => name.toLowerCase());
          expect(names.filter((name) => !allowed.has(name))).toEqual([]);
          for (const name of own) expect(request.all(name).length).toBeLessThanOrEqual(1);
          expect(request.header('authorization')).toMatch(/^Bearer eyJ/);
          expect(request.header('x-forwarded-for')).toBe('127.0.0.1');
          expect(request.header('forwarded')).toMatch(/^for=127\.0\.0\.1;/);
        }
        arrived += requests.length;
      }),
      fuzzing('headers of somebody, in batches', { numRuns: 4_000 / batch, endOnFailure: true }),
    );
    expect(arrived).toBeGreaterThan(500);
    await expectStillServing();
  });
});

describe('a random request', () => {
  it('ER-09: to any of our own routes ends in an answer that is documented', async () => {
    const tally: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(many(ownRequest), async (given) => {
        // Some of them sign their sender out, so each batch has one of its own.
        const sender = await somebody();
        const ask = (wire: Wire, request: OwnRequest) =>
          wire.ask(bytesOf(request, sender), { method: request.method, alone: true });
        for (const answer of await wires.each(given, ask)) {
          const status = answer === 'closed' ? 0 : answer.status;
          tally[status] = (tally[status] ?? 0) + 1;
          expect(status).toBeGreaterThanOrEqual(200);
          expect(isDocumented(status)).toBe(true);
        }
      }),
      fuzzing('requests to our own routes, in batches', { numRuns: 5_000 / batch, endOnFailure: true }),
    );
    console.log(JSON.stringify(tally));
    expect(Object.keys(tally)).toEqual(
      expect.arrayContaining(['200', '204', '303', '400', '401', '403', '404', '405']),
    );
    await expectStillServing();
  });

  it('ER-09: of bytes that are hardly one ends its connection and nothing else', async () => {
    const line = fc.oneof(
      noise(60),
      headerLine,
      fc.constantFrom(
        'GET / HTTP/1.1',
        'GET /api/x HTTP/1.1',
        'Host: localhost',
        'Content-Length: 5',
        'Transfer-Encoding: chunked',
        'Content-Length: -1',
        'GET',
        'PRI * HTTP/2.0',
        'GET / HTTP/9.9',
        'CONNECT a:1 HTTP/1.1',
        '0',
        'ffffffffffffffff',
        '\u0016\u0003\u0001\u0002',
      ),
    );
    const garbage = fc.oneof(
      fc.array(byte, { maxLength: 300 }).map((bytes) => bytes.join('')),
      fc
        .tuple(
          fc.array(line, { minLength: 1, maxLength: 8 }),
          fc.constantFrom('\r\n', '\r\n', '\n', '\r', '\n\n', '\r\n\r\n'),
        )
        .map(([lines, border]) => lines.join(border) + border + border),
    );
    const tally: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(many(garbage), async (given) => {
        const ask = (wire: Wire, text: string) => wire.ask(Buffer.from(text, 'latin1'), { ends: true });
        for (const answer of await wires.each(given, ask)) {
          const status = statusOf(answer);
          expect(status === 'closed' || isDocumented(status)).toBe(true);
          tally[status] = (tally[status] ?? 0) + 1;
        }
        expect(upstream.begun).toEqual([]);
      }),
      fuzzing('garbage, in batches', { numRuns: 3_000 / batch, endOnFailure: true }),
    );
    console.log(JSON.stringify(tally));
    await expectStillServing();
  });
});
