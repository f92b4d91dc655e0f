/**
 * The log and the audit trail: one JSON line for each thing that happened.
 *
 * Audit events are written whatever the log level is (LG-13). pino writes all lines
 * but those of requests, which are many and always alike: see request-line.ts.
 *
 * @module
 */

import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { systemClock, Timestamps } from '../base/clock.ts';
import type { EventFields, EventName, Outcome } from './events.ts';
import { LineBlocks } from './line-blocks.ts';
import { type RequestLine, requestFields } from './request-line.ts';

/** Takes lines for the log. `fields` hold texts and numbers that may be written. */
export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** What the trail is made from. */
export interface TrailOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where lines go; standard output by default. */
  readonly stream?: DestinationStream | undefined;
  /** Whether other processes write to the same standard output: then each line says which did. */
  readonly isShared?: boolean | undefined;
}

/** POSIX: what several processes write to one pipe stays whole up to so many bytes (PIPE_BUF); a block ends with a line. */
const pipeBytes = 4096;
/** Of a block, where one process writes alone. */
const aloneBytes = 64 * 1024;

/** What lines, and what events, are written with. */
interface Writers {
  readonly target: DestinationStream;
  readonly timestamps: Timestamps;
  /** What says which process it is, where several write. */
  readonly process: string;
  readonly lines: Logger;
  readonly events: Logger;
}

/** Writes lines and events. */
export class Trail implements Log {
  readonly #writers: Writers;
  readonly #lines: Logger;
  readonly #events: Logger;

  constructor(to: TrailOptions | Writers) {
    this.#writers = 'target' in to ? to : writersTo(to);
    this.#lines = this.#writers.lines;
    this.#events = this.#writers.events;
  }

  /** The same trail, with the name of a frontend on all that is written. */
  of(frontend: string): Trail {
    const { lines, events, ...rest } = this.#writers;
    return new Trail({ ...rest, lines: lines.child({ frontend }), events: events.child({ frontend }) });
  }

  /** Writes an event that must be provable later. */
  event<Name extends EventName>(event: Name, outcome: Outcome, fields: EventFields<Name>): void {
    this.#events.info({ event, outcome, ...fields });
  }

  /** Whether lines of `level` are written at all, so that nobody makes one in vain. */
  writes(level: 'debug' | 'info' | 'error'): boolean {
    return this.#lines.isLevelEnabled(level);
  }

  /** Writes the line of a request, as pino would. */
  request(level: 'debug' | 'info' | 'error', line: RequestLine): void {
    if (!this.#lines.isLevelEnabled(level)) return;
    const { target, timestamps, process } = this.#writers;
    target.write(
      `{"level":"${level}","time":"${timestamps.now()}"${process}${requestFields(line)},"message":"request"}\n`,
    );
  }

  debug(message: string, fields: object = {}): void {
    this.#lines.debug(fields, message);
  }

  info(message: string, fields: object = {}): void {
    this.#lines.info(fields, message);
  }

  warn(message: string, fields: object = {}): void {
    this.#lines.warn(fields, message);
  }

  error(message: string, fields: object = {}): void {
    this.#lines.error(fields, message);
  }

  /** Writes what is still gathered. Call it before the process ends. */
  flush(): void {
    const { target } = this.#writers;
    if (target instanceof LineBlocks) target.flushSync();
  }
}

function writersTo({ level, stream, isShared = false }: TrailOptions): Writers {
  const target = stream ?? standardOutput(isShared);
  const timestamps = new Timestamps();
  const options = {
    base: isShared ? { pid: process.pid } : null,
    messageKey: 'message',
    timestamp: () => `,"time":"${timestamps.now()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return {
    ...{ target, timestamps, process: isShared ? `,"pid":${process.pid}` : '' },
    lines: pino({ ...options, level }, target),
    events: pino({ ...options, level: 'info' }, target),
  };
}

function standardOutput(isShared: boolean): LineBlocks {
  const mostBytes = isShared ? pipeBytes : aloneBytes;
  // What comes while it writes it puts together, up to its own bound.
  const target = destination({ fd: 1, sync: false, ...(isShared ? { maxWrite: pipeBytes } : {}) });
  const blocks = new LineBlocks({ target, clock: systemClock, mostBytes });
  process.once('exit', () => blocks.flushSync()); // a mistake that ends the process must not take lines along
  return blocks;
}
