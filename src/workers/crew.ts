/**
 * The workers as the primary sees them: starts them, puts another in the place of one
 * that died, asks all of them, and ends them.
 *
 * A worker that dies again and again is a fault that no replacing mends, and replacing
 * would hide it: after five deaths in a minute the primary is told to give up.
 *
 * @module
 */

import cluster, { type Worker } from 'node:cluster';
import { type Clock, pause } from '../base/clock.ts';
import type { MetricValues } from '../metrics/catalogue.ts';
import type { News, Order, Report } from './messages.ts';
import type { Snapshot } from './snapshot.ts';

/** How a worker ended. */
export interface Death {
  readonly pid: number;
  /** The exit code or the signal, as a word. */
  readonly how: string;
  /** Deaths in the last minute, this one included. */
  readonly recent: number;
}

/** What a crew is made from. */
export interface CrewOptions {
  /** The file that a worker runs. */
  readonly program: string;
  readonly size: number;
  readonly started: Snapshot;
  readonly clock: Clock;
  readonly onDeath: (death: Death) => void;
  /** Called once, after too many deaths. No more workers are started then. */
  readonly onTooManyDeaths: () => void;
}

/** How many deaths, within how many ms, end it. */
export const deathLimit = { deaths: 5, withinMs: 60_000 } as const;

/** Before the first replacement, in ms; twice as long for each death of the last minute. */
const firstWaitMs = 100;

/** How long a worker may take to tell of itself, in ms: longer than a store that does not answer. */
const reportLimitMs = 3_000;

interface Member {
  readonly worker: Worker;
  isServing: boolean;
  /** What it counted when last asked. */
  counted: MetricValues;
}

/** The workers of one primary. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Set<Member>();
  readonly #open = new Map<string, (report: Report) => void>();
  #counted: readonly MetricValues[] = [];
  #deaths: readonly number[] = [];
  #latest: Snapshot | undefined = undefined;
  #question = 0;
  #isEnding = false;

  constructor(options: CrewOptions) {
    this.#options = options;
    cluster.setupPrimary({ exec: options.program, args: [] });
  }

  /** How many serve. */
  get serving(): number {
    return [...this.#members].filter(({ isServing }) => isServing).length;
  }

  /** Takes what the dead had counted when they were last asked, so that no sum falls; the taker keeps it. */
  takeCountsOfDead(): readonly MetricValues[] {
    const counted = this.#counted;
    this.#counted = [];
    return counted;
  }

  /**
   * Starts one worker, and when it serves the others. Gives the port. Rejects when the first
   * ends before it serves: it has said why, and the others would say the same.
   */
  async start(): Promise<number> {
    const port = await new Promise<number>((resolve, reject) => {
      const first = this.#hire({ onServing: resolve });
      first.worker.once('exit', () => reject(new Error('its first worker ended before it served')));
    });
    for (let count = 1; count < this.#options.size && !this.#isEnding; count++) this.#hire();
    return port;
  }

  /** Has all workers read this as on SIGHUP, those of later too. */
  reload(latest: Snapshot, { isSound }: { readonly isSound: boolean }): void {
    if (isSound) this.#latest = latest;
    for (const member of this.#members) order(member, { kind: 'reload', latest });
  }

  /** What each worker says of itself; one that says nothing in time is left out. */
  async gather(): Promise<readonly Report[]> {
    const reports = await Promise.all([...this.#members].map((member) => this.#ask(member)));
    return reports.filter((report) => report !== undefined);
  }

  /** Has every worker finish what it does. What has not ended after `limitMs` is ended. */
  async end(limitMs: number): Promise<void> {
    this.#isEnding = true;
    const members = [...this.#members];
    const ended = members.map(({ worker }) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const member of members) order(member, { kind: 'stop' });
    await Promise.race([Promise.all(ended), pause(this.#options.clock, limitMs)]);
    for (const { worker } of this.#members) worker.process.kill('SIGKILL');
    await Promise.all(ended);
  }

  #hire({ onServing }: { readonly onServing?: (port: number) => void } = {}): Member {
    const worker = cluster.fork();
    const member: Member = { worker, isServing: false, counted: [] };
    this.#members.add(member);
    worker.on('message', (news: News) => {
      if (news.kind === 'serving') {
        member.isServing = true;
        onServing?.(news.port);
      } else {
        member.counted = news.report.metrics;
        this.#open.get(`${worker.id} ${news.question}`)?.(news.report);
      }
    });
    worker.on('error', () => worker.process.kill('SIGKILL')); // cannot be spoken to any more: its end is what counts
    worker.once('exit', (code, signal) => this.#lost(member, signal || `exit code ${code}`));
    order(member, { kind: 'start', started: this.#options.started, latest: this.#latest });
    return member;
  }

  #lost(member: Member, how: string): void {
    this.#members.delete(member);
    this.#counted = [...this.#counted, member.counted];
    if (this.#isEnding) return;
    const { clock, onDeath, onTooManyDeaths, size } = this.#options;
    const now = clock.elapsed();
    this.#deaths = [...this.#deaths.filter((at) => now - at < deathLimit.withinMs), now];
    const recent = this.#deaths.length;
    onDeath({ pid: member.worker.process.pid ?? 0, how, recent });
    if (recent >= deathLimit.deaths) {
      this.#isEnding = true;
      onTooManyDeaths();
      return;
    }
    clock.after(firstWaitMs * 2 ** (recent - 1), () => {
      if (!this.#isEnding && this.#members.size < size) this.#hire();
    });
  }

  async #ask(member: Member): Promise<Report | undefined> {
    const question = ++this.#question;
    const key = `${member.worker.id} ${question}`;
    const answer = new Promise<Report>((resolve) => this.#open.set(key, resolve));
    if (member.isServing) order(member, { kind: 'report', question });
    const none = pause(this.#options.clock, member.isServing ? reportLimitMs : 0).then(() => undefined);
    const report = await Promise.race([answer, none]);
    this.#open.delete(key);
    return report;
  }
}

// To one that has just died nothing can be said; its end is told by its own event.
function order({ worker }: Member, what: Order): void {
  if (worker.isConnected()) worker.send(what, undefined, () => undefined);
}
