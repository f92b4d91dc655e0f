/**
 * All upstreams, and what becomes of a call to one.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { ProblemError } from '../../../src/errors.ts';
import type { Pass } from '../../../src/proxy/breaker.ts';
import { type Line, type Outgoing, Upstreams } from '../../../src/proxy/upstreams.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { startUpstream } from '../../support/upstream.ts';

class Call implements Outgoing {
  readonly path: string;
  readonly told: string[] = [];
  line: Line | undefined;
  isOver = false;
  pass: Pass | undefined;
  readonly party = 'somebody';

  constructor(path: string) {
    this.path = path;
  }

  dispatchOptions() {
    return { method: 'GET', path: this.path, headers: [], body: null };
  }

  onLine(line: Line): void {
    this.line = line;
  }

  onRequestStart(): void {
    this.told.push('start');
  }

  onResponseStarted(): void {
    if (this.line) this.line.answers++;
  }

  onResponseStart(): void {
    this.told.push('answer');
  }

  onResponseData(): boolean {
    this.told.push('data');
    return true;
  }

  onResponseEnd(): void {
    this.end('end');
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.end(error.name);
  }

  onRefused(problem: ProblemError): void {
    this.end(problem.code);
  }

  onOverloaded(): void {
    this.end('overloaded');
  }

  end(word: string): void {
    this.isOver = true;
    this.told.push(word);
  }
}

describe('Upstreams', () => {
  it('PX-29: keep one set of connections for each origin, and use them again', async () => {
    await using upstream = await startUpstream(() => ({ body: 'ok' }));
    const upstreams = new Upstreams(systemClock);
    const place = upstreams.at(upstream.origin);
    for (let round = 0; round < 3; round++) {
      const call = new Call('/x');
      place.send(call);
      await eventually(() => call.isOver && place.load.taken === 0);
      expect(call.told).toEqual(['start', 'answer', 'data', 'end']);
    }

    expect(upstreams.at(upstream.origin)).toBe(place);
    expect(upstream.connections).toBe(1);
    await upstreams.close();
  });

  it('PX-29: lose no connection to a request that cannot be written', async () => {
    await using upstream = await startUpstream(() => ({ body: 'ok' }));
    const upstreams = new Upstreams(systemClock, { connections: 1, mostConnections: 1 });
    const place = upstreams.at(upstream.origin);
    const refused = new Call('not a path');
    place.send(refused);
    await eventually(() => refused.isOver);
    expect(refused.told).toEqual(['start', 'WireError']);
    expect(place.load.taken).toBe(0);
    expect(upstream.bytes).toHaveLength(0);
    const call = new Call('/x');
    place.send(call);
    await eventually(() => call.isOver);

    expect(call.told).toEqual(['start', 'answer', 'data', 'end']);
    await upstreams.close();
  });

  it('PX-14: know a connection that was opened again for a fresh one', async () => {
    await using upstream = await startUpstream(() => ({ body: 'ok' }));
    const upstreams = new Upstreams(systemClock, { connections: 1 });
    const place = upstreams.at(upstream.origin);
    const first = new Call('/x');
    place.send(first);
    await eventually(() => place.load.taken === 0);
    expect(first.line?.answers).toBe(1);
    upstream.dropConnections();
    await eventually(() => upstream.openSockets === 0);
    upstream.script = () => 'hang';
    const second = new Call('/x');
    place.send(second);
    await eventually(() => upstream.begun.length === 2);

    expect(second.line).toBe(first.line);
    expect(second.line?.answers).toBe(0);
    await upstreams.close();
    expect(second.told).toEqual(['start', 'WireError']);
  });

  it('ER-08: wait no longer for the look-up of a name than for a connection', async () => {
    const clock = new ManualClock();
    const resolve = () => new Promise<never>(() => undefined);
    const upstreams = new Upstreams(clock, { resolve, connectTimeoutMs: 5_000 });
    const call = new Call('/x');
    upstreams.at('http://service.test').send(call);
    await clock.advance(4_999);
    expect(call.told).toEqual([]);
    await clock.advance(1);

    expect(call.told).toEqual(['DeadlineError']);
    expect(upstreams.at('http://service.test').load.taken).toBe(0);
    await upstreams.close();
  });

  it('ER-08: tell a call for a WebSocket that could not be put together', async () => {
    const upstreams = new Upstreams(systemClock);
    const call = new Call('/x');
    call.dispatchOptions = () => {
      throw new RangeError('no proof');
    };
    upstreams.apart('http://127.0.0.1:1').send(call);

    expect(call.told).toEqual(['RangeError']);
    await upstreams.close();
  });

  it('ER-08: take nobody when they are closed', async () => {
    const upstreams = new Upstreams(systemClock);
    const known = upstreams.at('http://127.0.0.1:1');
    await upstreams.close();
    const call = new Call('/x');
    known.send(call);

    expect(call.told).toEqual(['overloaded']);
    expect(() => upstreams.at('http://127.0.0.1:2')).toThrow('overloaded');
  });
});
