/**
 * People who call again and again at a steady pace, and everything they saw: for
 * what must not be noticed while something else is done to the system.
 *
 * A call that gets no whole answer is an outcome like any other (`broken`), so
 * nothing is lost between the lines. Connections are kept open as browsers do.
 *
 * @module
 */

import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { pause } from './eventually.ts';

/** In whose name calls are made. */
export interface Caller {
  /** The whole `Cookie` header. */
  readonly cookie: string;
  /** The `Host` header. */
  readonly host: string;
}

/** What came of one call. */
export interface Outcome {
  readonly caller: Caller;
  readonly port: number;
  /** `broken`: no answer, or not all of one. */
  readonly status: number | 'broken';
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** When it began and how long it took, ms by `performance.now`. */
  readonly at: number;
  readonly tookMs: number;
  /** Node's word for what broke it. */
  readonly fault: string | undefined;
  /** Was it sent on a connection that had carried another call before? */
  readonly wasReused: boolean;
}

/** One call to make. */
export interface Call {
  readonly port: number;
  readonly caller: Caller;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Makes one call. Never rejects. */
export function call({ port, caller, path, method = 'GET', headers = {}, body, agent }: Call): Promise<Outcome> {
  const at = performance.now();
  return new Promise((resolve) => {
    const settle = (rest: Partial<Outcome>): void =>
      resolve({
        ...{ caller, port, at, tookMs: performance.now() - at },
        ...{ status: 'broken', headers: {}, body: '', fault: undefined, wasReused: sent.reusedSocket },
        ...rest,
      });
    const sent = request({
      ...{ host: '127.0.0.1', port, path, method, agent },
      headers: { Host: caller.host, Cookie: caller.cookie, ...headers },
    });
    sent.on('response', (message) => void read(message).then(settle));
    sent.on('error', (error: NodeJS.ErrnoException) => settle({ fault: error.code ?? error.name }));
    sent.end(body);
  });
}

async function read(message: IncomingMessage): Promise<Partial<Outcome>> {
  const chunks: Buffer[] = [];
  const { headers, statusCode: status = 0 } = message;
  try {
    for await (const chunk of message) chunks.push(Buffer.from(chunk));
  } catch (error) {
    // Cut off in the middle: that is what is to be told of it.
    return { headers, fault: `after ${status}: ${String(error)}` };
  }
  return { status, headers, body: Buffer.concat(chunks).toString() };
}

/** How traffic is made. */
export interface TrafficOptions {
  readonly callers: readonly Caller[];
  /** Each caller goes round them. */
  readonly ports: readonly number[];
  readonly path: string;
  /** Between the end of a call and the next one of the same caller. */
  readonly everyMs: number;
}

/** Traffic that goes on until it is stopped. */
export class Traffic {
  readonly outcomes: Outcome[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #loops: readonly Promise<void>[];
  #isStopped = false;

  constructor(options: TrafficOptions) {
    this.#loops = options.callers.map((caller, index) => this.#loop(options, { caller, index }));
  }

  /** What came of the calls that began at or after this instant of `performance.now`. */
  since(instant: number): readonly Outcome[] {
    return this.outcomes.filter(({ at }) => at >= instant);
  }

  /** How many outcomes there are of each status, by `broken` too. */
  get tally(): Readonly<Record<string, number>> {
    return tallyOf(this.outcomes);
  }

  /** No further calls; resolves when those under way have ended. */
  async stop(): Promise<readonly Outcome[]> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    this.#agent.destroy();
    return this.outcomes;
  }

  async #loop({ ports, path, everyMs }: TrafficOptions, { caller, index }: { caller: Caller; index: number }) {
    for (let turn = index; !this.#isStopped; turn++) {
      const port = ports[turn % ports.length];
      if (port === undefined) throw new Error('traffic needs at least one port');
      this.outcomes.push(await call({ caller, port, path, agent: this.#agent }));
      await pause(everyMs);
    }
  }
}

/** How many outcomes there are of each status. */
export function tallyOf(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const tally: Record<string, number> = {};
  for (const { status } of outcomes) tally[status] = (tally[status] ?? 0) + 1;
  return tally;
}
