/**
 * The callers: a process that sends prepared requests over raw sockets and reads
 * just enough of the answers to know where each ends and whether it is a 200.
 *
 * Without a rate each connection sends its next request when it has its answer.
 * With one, requests leave by the clock, and the time of each counts from when it
 * should have left: a proxy that stands still is not spared those who wait.
 *
 * @module
 */

import { connect, type Socket } from 'node:net';
import { AnswerReader } from './answer-reader.ts';
import type { LoadOrder, LoadResult } from './load-order.ts';

/** One run, from its order to its result. */
class Run {
  readonly #order: LoadOrder;
  readonly #requests: readonly Buffer[];
  readonly #idle: Caller[] = [];
  readonly #due: number[] = [];
  readonly #times: number[] = [];
  readonly #failures = new Map<string, number>();
  #next = 0;
  #completed = 0;
  #reopened = 0;
  #isOver = false;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#requests = order.requests.map((text) => Buffer.from(text, 'latin1'));
  }

  get port(): number {
    return this.#order.port;
  }

  /** Whether a connection may be opened in place of one that ended; counts it. */
  mayReopen(): boolean {
    return !this.#isOver && this.#order.mayReopen === true && this.#reopened++ < this.#order.connections;
  }

  async result(): Promise<LoadResult> {
    const { connections, port, rate } = this.#order;
    const callers = await Promise.all(Array.from({ length: connections }, () => Caller.open(port, this)));
    const startedAt = performance.now();
    const clock = rate === undefined ? undefined : this.#sendByClock(rate);
    if (rate === undefined) for (const caller of callers) this.#send(caller, performance.now());
    else this.#idle.push(...callers);
    await this.#enough(startedAt);
    this.#isOver = true;
    clearInterval(clock);
    const elapsedMs = performance.now() - startedAt;
    await lastAnswers(callers);
    for (const caller of callers) caller.close();
    const times = Float64Array.from(this.#times).sort();
    return {
      completed: this.#completed,
      failures: Object.fromEntries(this.#failures),
      elapsedMs,
      p50: at(times, 0.5),
      p99: at(times, 0.99),
    };
  }

  // Both: long enough for the clock of the system, and often enough for a compiler to have seen everything.
  async #enough(startedAt: number): Promise<void> {
    const { durationMs, count, longestMs } = this.#order;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const elapsedMs = performance.now() - startedAt;
      if (this.#failures.size > 0) return; // one is enough: what is measured beside failures is worth nothing
      if (elapsedMs > longestMs || (elapsedMs >= durationMs && this.#completed >= count)) return;
    }
  }

  /** An answer has come to its end. */
  done(caller: Caller, status: number): void {
    if (this.#isOver) return;
    if (status === 200) {
      this.#completed++;
      this.#times.push(performance.now() - caller.dueAt);
    } else this.failed(`status ${status}`);
    if (this.#order.rate === undefined) this.#send(caller, performance.now());
    else {
      const due = this.#due.shift();
      if (due === undefined) this.#idle.push(caller);
      else this.#send(caller, due);
    }
  }

  failed(why: string): void {
    if (!this.#isOver) this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  #send(caller: Caller, dueAt: number): void {
    if (this.#order.once === true && this.#next >= this.#requests.length) return;
    const request = this.#requests[this.#next++ % this.#requests.length];
    if (request !== undefined) caller.send(request, dueAt);
  }

  #sendByClock(rate: number): NodeJS.Timeout {
    const begin = performance.now();
    let sent = 0;
    return setInterval(() => {
      const wanted = ((performance.now() - begin) * rate) / 1000;
      for (; sent < wanted; sent++) {
        const dueAt = begin + (sent * 1000) / rate;
        const caller = this.#idle.pop();
        if (caller === undefined) this.#due.push(dueAt);
        else this.#send(caller, dueAt);
      }
    }, 1);
  }
}

/** One connection, one request at a time. */
class Caller {
  readonly #run: Run;
  #socket: Socket;
  #reader = new AnswerReader();
  /** The request whose answer has not begun. */
  #asked: Buffer | undefined;
  dueAt = 0;
  /** Whether an answer is still to come. */
  isWaiting = false;

  private constructor(socket: Socket, run: Run) {
    this.#socket = this.#listenedTo(socket);
    this.#run = run;
  }

  static async open(port: number, run: Run): Promise<Caller> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Caller(socket, run);
  }

  send(request: Buffer, dueAt: number): void {
    this.dueAt = dueAt;
    this.isWaiting = true;
    this.#asked = request;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #listenedTo(socket: Socket): Socket {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#asked = undefined;
      if (!this.#reader.take(chunk)) return;
      this.isWaiting = false;
      this.#run.done(this, this.#reader.status);
    });
    return socket.on('close', () => this.#onClose()).on('error', () => socket.destroy());
  }

  #onClose(): void {
    const asked = this.#asked;
    if ((this.isWaiting && asked === undefined) || !this.#run.mayReopen()) {
      this.#run.failed('connection closed');
      return;
    }
    this.#reader = new AnswerReader();
    this.#socket = this.#listenedTo(connect(this.#run.port, '127.0.0.1'));
    if (asked !== undefined) this.#socket.write(asked);
  }
}

/** How long the last answers are waited for, in ms. */
const longestEndMs = 2_000;

// Some peers never give back a connection to the upstream whose client left in the middle of an answer.
async function lastAnswers(callers: readonly Caller[]): Promise<void> {
  const until = performance.now() + longestEndMs;
  while (performance.now() < until && callers.some(({ isWaiting }) => isWaiting)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

process.on('message', (order: LoadOrder) => {
  new Run(order).result().then(
    (result) => process.send?.(result),
    (error: unknown) =>
      process.send?.({ completed: 0, failures: { [String(error)]: 1 }, elapsedMs: 0, p50: 0, p99: 0 }),
  );
});
process.once('disconnect', () => process.exit(0));
