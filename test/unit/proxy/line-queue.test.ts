/**
 * Few lines for many requests.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { windowMs } from '../../../src/proxy/line-allowance.ts';
import { type Carrier, LineQueue } from '../../../src/proxy/line-queue.ts';
import { ManualClock } from '../../support/clock.ts';

let parties = 0;

class Request {
  readonly name: string;
  readonly party: string;
  overloaded = false;

  constructor(name: string, party = `party ${++parties}`) {
    this.name = name;
    this.party = party;
  }

  onOverloaded(): void {
    this.overloaded = true;
  }
}

class TestLine implements Carrier<Request> {
  readonly sent: string[] = [];
  readonly #free: () => void;
  isClosed = false;
  refuses = false;

  constructor(free: () => void) {
    this.#free = free;
  }

  send(request: Request): boolean {
    this.sent.push(request.name);
    return !this.refuses;
  }

  answer(): void {
    this.#free();
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

let clock: ManualClock;
let lines: TestLine[];
let queue: LineQueue<Request>;

beforeEach(() => {
  clock = new ManualClock();
  lines = [];
  queue = new LineQueue<Request>({
    clock,
    limits: { connections: 2, mostConnections: 8, mostWaiting: 5, longestWaitMs: 1_000 },
    open: (free) => {
      const line = new TestLine(free);
      lines.push(line);
      return line;
    },
  });
});

function send(count: number): readonly Request[] {
  const requests = Array.from({ length: count }, (_item, at) => new Request(`r${at}`));
  for (const request of requests) queue.send(request);
  return requests;
}

const sent = () => lines.map((line) => line.sent);

describe('LineQueue', () => {
  it('uses the first lines without hesitation and lets the others wait', () => {
    send(4);

    expect(sent()).toEqual([['r0'], ['r1']]);
    expect(queue.load).toEqual({ taken: 2, allowed: 2, waiting: 2 });
  });

  it('hands a line that became free to who has waited longest', () => {
    send(4);
    lines[1]?.answer();
    lines[0]?.answer();

    expect(sent()).toEqual([
      ['r0', 'r3'],
      ['r1', 'r2'],
    ]);
  });

  it('prefers the line that was used last', () => {
    send(2);
    lines[0]?.answer();
    lines[1]?.answer();
    queue.send(new Request('next'));

    expect(sent()).toEqual([['r0'], ['r1', 'next']]);
  });

  it('PX-29: opens twice as many lines as there are when those do not turn over', async () => {
    send(7);
    await clock.advance(50);
    expect(sent()).toEqual([['r0'], ['r1'], ['r2'], ['r3']]);
    await clock.advance(50);

    expect(sent()).toEqual([['r0'], ['r1'], ['r2'], ['r3'], ['r4'], ['r5'], ['r6']]);
    expect(queue.load).toEqual({ taken: 7, allowed: 7, waiting: 0 });
  });

  it('opens none when those who wait come to their turn soon', async () => {
    send(6);
    await clock.advance(30);
    lines[0]?.answer();
    lines[1]?.answer();
    await clock.advance(20);

    expect(lines).toHaveLength(2);
    expect(queue.load).toEqual({ taken: 2, allowed: 2, waiting: 2 });
  });

  it('PX-29: opens no more lines than it may', async () => {
    send(7);
    await clock.advance(100);
    send(5);
    await clock.advance(500);

    expect(lines).toHaveLength(8);
    expect(queue.load.waiting).toBe(4);
  });

  it('takes back what a slow moment added, by halves', async () => {
    send(7);
    await clock.advance(100);
    for (const line of lines) line.answer();
    expect(queue.load).toMatchObject({ taken: 0, allowed: 7 });
    await clock.advance(2_100);

    expect(queue.load).toEqual({ taken: 0, allowed: 2, waiting: 0 });
    expect(clock.pending).toBe(0);
  });

  it('PX-29: refuses at once what would make the queue too long', () => {
    const requests = send(8);

    expect(requests.filter(({ overloaded }) => overloaded).map(({ name }) => name)).toEqual(['r7']);
  });

  it('PX-29: refuses what has waited too long', async () => {
    queue = new LineQueue<Request>({
      clock,
      limits: { connections: 1, mostConnections: 1, mostWaiting: 5, longestWaitMs: 1_000 },
      open: (free) => new TestLine(free),
    });
    const [, early] = send(2);
    await clock.advance(500);
    const late = new Request('late');
    queue.send(late);
    await clock.advance(520);

    expect([early?.overloaded, late.overloaded]).toEqual([true, false]);
    expect(queue.load.waiting).toBe(1);
  });

  it('PX-30: forgets a request whose caller has left', () => {
    const requests = send(4);
    const [, , third] = requests;
    if (third) queue.cancel(third);
    lines[0]?.answer();

    expect(sent()).toEqual([['r0', 'r3'], ['r1']]);
  });

  it('takes a line back that refused its request at once', () => {
    send(2);
    const [first] = lines;
    if (first) first.refuses = true;
    send(2);
    first?.answer();

    expect(first?.sent).toEqual(['r0', 'r0', 'r1']);
    expect(queue.load).toEqual({ taken: 1, allowed: 2, waiting: 0 });
  });

  it('is not confused by a line that says twice that it is free', () => {
    send(3);
    lines[0]?.answer();
    lines[1]?.answer();
    lines[1]?.answer();

    expect(queue.load).toEqual({ taken: 1, allowed: 2, waiting: 0 });
  });

  it('tells who waits when it is closed, and takes nobody after', async () => {
    const requests = send(4);
    await queue.close();
    const late = new Request('late');
    queue.send(late);

    expect(requests.map(({ overloaded }) => overloaded)).toEqual([false, false, true, true]);
    expect(late.overloaded).toBe(true);
    expect(lines.every(({ isClosed }) => isClosed)).toBe(true);
  });

  describe('among parties', () => {
    const manyLines = (mostConnections = 512) => {
      queue = new LineQueue<Request>({
        clock,
        limits: { connections: 16, mostConnections, mostWaiting: 2_048, longestWaitMs: 60_000 },
        open: (free) => {
          const line = new TestLine(free);
          lines.push(line);
          return line;
        },
      });
    };
    const flood = (party: string, count: number) => {
      for (let at = 0; at < count; at++) queue.send(new Request(`${party}-${at}`, party));
    };
    const heldBy = (party: string) => lines.filter((line) => line.sent.at(-1)?.startsWith(`${party}-`)).length;

    it('PX-29: gives one no more than a quarter of all lines, and the next soon what it asks for', async () => {
      manyLines();
      flood('greedy', 700);
      await clock.advance(2_000);
      expect(heldBy('greedy')).toBe(128);
      flood('modest', 3);
      await clock.advance(2 * windowMs);

      expect(heldBy('modest')).toBe(3);
    });

    it('PX-29: leaves lines for who holds none, however many take what they can', async () => {
      manyLines();
      for (let at = 0; at < 100; at++) flood(`p${at}`, 40);
      await clock.advance(5_000);
      const { taken } = queue.load;
      flood('newcomer', 1);
      await clock.advance(2 * windowMs);

      expect(taken).toBeGreaterThan(300);
      expect(taken).toBeLessThan(512);
      expect(heldBy('newcomer')).toBe(1);
    });

    it('PX-29: lets no one wait longer because more lines did not help those who wait for their own', async () => {
      manyLines();
      flood('greedy', 1_000);
      for (let round = 0; round < 10; round++) {
        for (let at = 0; at < 50; at++) {
          lines[at % 3]?.answer();
          await clock.advance(windowMs / 2);
        }
        expect(heldBy('greedy')).toBe(128);
        flood(`modest${round}`, 1);
        await clock.advance(2 * windowMs);
        expect([round, heldBy(`modest${round}`)]).toEqual([round, 1]);
        lines.find((line) => line.sent.at(-1)?.startsWith(`modest${round}-`))?.answer();
      }
    });

    it('PX-29: leaves room in the queue for the next', () => {
      manyLines(16);
      flood('greedy', 3_000);
      expect(queue.load.waiting).toBe(1_024);
      flood('modest', 1);

      expect(queue.load.waiting).toBe(1_025);
    });

    it('PX-29: serves those who wait by turns, and each in the order of its own', () => {
      manyLines(16);
      flood('greedy', 19);
      flood('modest', 2);
      lines.slice(0, 5).forEach((line) => {
        line.answer();
      });

      const served = lines.slice(0, 5).map((line) => line.sent.at(-1));
      expect(served).toEqual(['greedy-16', 'modest-0', 'greedy-17', 'modest-1', 'greedy-18']);
    });

    it('PX-29: gives one all lines there are when they are the few to begin with', () => {
      manyLines(16);
      flood('only', 16);

      expect(heldBy('only')).toBe(16);
    });
  });

  it('TL-03: closes retired lines once they carry nothing, and opens others', () => {
    send(2);
    lines[0]?.answer();
    queue.retire(1);
    expect(lines.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    lines[1]?.answer();
    expect(lines.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    send(1);

    expect(lines).toHaveLength(3);
    expect(queue.load.taken).toBe(1);
  });
});
