/**
 * Few lines for many requests.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { type Carrier, LineQueue } from '../../../src/proxy/line-queue.ts';
import { ManualClock } from '../../support/clock.ts';

class Request {
  readonly name: string;
  overloaded = false;

  constructor(name: string) {
    this.name = name;
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
});
