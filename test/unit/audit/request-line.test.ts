/**
 * The line of a request is put together by hand: it must be what pino would write.
 *
 * @module
 */

import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type RequestLine, requestFields } from '../../../src/audit/request-line.ts';
import { Trail } from '../../../src/audit/trail.ts';

const text = fc.option(fc.string({ unit: 'binary', maxLength: 40 }), { nil: undefined });
const lines: fc.Arbitrary<RequestLine> = fc.record({
  requestId: fc.constant('Kx-_09'),
  frontend: fc.constantFrom('orders-2', undefined),
  kind: fc.constantFrom('P', 'A', 'I', 'U', undefined),
  method: fc.constantFrom('GET', undefined),
  route: text,
  path: text,
  status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
  isAborted: fc.boolean(),
  ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
  upstream: text,
  upstreamMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
  session: fc.constantFrom('Kx-_09', undefined),
  code: fc.constantFrom('overloaded', undefined),
  detail: text,
  cause: text,
});

function asPinoWrites(line: RequestLine): string {
  let written = '';
  const tenth = (ms: number) => Math.round(ms * 10) / 10;
  const logger = pino(
    { base: null, messageKey: 'message', timestamp: false, formatters: { level: (level) => ({ level }) } },
    { write: (block: string) => (written = block) },
  );
  logger.info(
    {
      ...{
        request_id: line.requestId,
        frontend: line.frontend,
        kind: line.kind,
        method: line.method,
        route: line.route,
        path: line.path,
      },
      status: line.status,
      aborted: line.isAborted ? true : undefined,
      ms: tenth(line.ms),
      upstream: line.upstream,
      upstream_ms: line.upstreamMs === undefined ? undefined : tenth(line.upstreamMs),
      ...{ session: line.session, code: line.code, detail: line.detail, cause: line.cause },
    },
    'request',
  );
  return written;
}

describe('requestFields', () => {
  it('LG-09: makes of any text what a serializer makes of it, on one line', () => {
    fc.assert(
      fc.property(lines, (line) => {
        const written = `{"level":"info"${requestFields(line)},"message":"request"}\n`;
        expect(JSON.parse(written)).toEqual(JSON.parse(asPinoWrites(line)));
        expect(Object.keys(JSON.parse(written))).toEqual(Object.keys(JSON.parse(asPinoWrites(line))));
        expect(written.indexOf('\n')).toBe(written.length - 1);
      }),
      { numRuns: 2_000 },
    );
  });
});

const line: RequestLine = {
  ...{
    requestId: 'r1',
    frontend: undefined,
    kind: 'I',
    method: 'GET',
    route: '/api',
    path: undefined,
    status: 200,
    isAborted: false,
  },
  ...{ ms: 1.26, upstream: 'orders', upstreamMs: 1, session: 's1', code: undefined, detail: undefined },
  cause: undefined,
};

describe('Trail.request', () => {
  it('LG-13: writes at its level and above, with the time', () => {
    const written: string[] = [];
    const trail = new Trail({ level: 'info', stream: { write: (block: string) => written.push(block) } });
    trail.request('debug', line);
    trail.request('info', line);

    expect(written).toHaveLength(1);
    expect(JSON.parse(written[0] ?? '')).toEqual({
      ...{ level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/), request_id: 'r1' },
      ...{ kind: 'I', method: 'GET', route: '/api', status: 200, ms: 1.3, upstream: 'orders', upstream_ms: 1 },
      ...{ session: 's1', message: 'request' },
    });
  });

  it('says which of several processes wrote it', () => {
    const written: string[] = [];
    const stream = { write: (block: string) => written.push(block) };
    new Trail({ level: 'info', stream, isShared: true }).request('info', line);

    expect(JSON.parse(written[0] ?? '')).toMatchObject({ pid: process.pid });
  });
});
