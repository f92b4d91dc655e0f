/**
 * The log and the audit trail: one JSON line for each thing that happened.
 *
 * Audit events are written whatever the log level is (LG-13). Lines are gathered
 * and written in blocks, and at the latest after a second, since one write for
 * each request is dear.
 *
 * @module
 */

import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { Timestamps } from '../base/clock.ts';
import type { EventFields, EventName, Outcome } from './events.ts';

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

const alone = { minLength: 12 * 1024 } as const;
/** POSIX: what several processes write to one pipe stays whole up to 4 096 bytes (PIPE_BUF); blocks end with a line. */
const shared = { minLength: 3 * 1024, maxWrite: 4096 } as const;

/** What lines, and what events, are written with. */
interface Writers {
  readonly lines: Logger;
  readonly events: Logger;
  readonly flush: () => void;
}

/** Writes lines and events. */
export class Trail implements Log {
  readonly #writers: Writers;
  readonly #lines: Logger;
  readonly #events: Logger;

  constructor(to: TrailOptions | Writers) {
    this.#writers = 'flush' in to ? to : writersTo(to);
    this.#lines = this.#writers.lines;
    this.#events = this.#writers.events;
  }

  /** The same trail, with the name of a frontend on all that is written. */
  of(frontend: string): Trail {
    const { lines, events, flush } = this.#writers;
    return new Trail({ lines: lines.child({ frontend }), events: events.child({ frontend }), flush });
  }

  /** Writes an event that must be provable later. */
  event<Name extends EventName>(event: Name, outcome: Outcome, fields: EventFields<Name>): void {
    this.#events.info({ event, outcome, ...fields });
  }

  /** Whether lines of `level` are written at all, so that nobody makes one in vain. */
  writes(level: 'debug' | 'info'): boolean {
    return this.#lines.isLevelEnabled(level);
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
    this.#writers.flush();
  }
}

function writersTo({ level, stream, isShared = false }: TrailOptions): Writers {
  const target = stream ?? destination({ fd: 1, sync: false, ...(isShared ? shared : alone), periodicFlush: 1000 });
  const timestamps = new Timestamps();
  const options = {
    base: isShared ? { pid: process.pid } : null,
    messageKey: 'message',
    timestamp: () => `,"time":"${timestamps.now()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return {
    lines: pino({ ...options, level }, target),
    events: pino({ ...options, level: 'info' }, target),
    flush: () => {
      if ('flushSync' in target && typeof target.flushSync === 'function') target.flushSync();
    },
  };
}
