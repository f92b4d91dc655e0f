/**
 * Programs of the project as processes of their own: for what only a second
 * process shows (several instances, crashes, signals, what is printed).
 *
 * @module
 */

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { endChild, hasEnded, killChild, startChild } from './children.ts';
import { eventually, within } from './eventually.ts';
import { freePort, isFree } from './ports.ts';

const root = join(import.meta.dirname, '../..');

/** A program to start. */
export interface ProgramOptions {
  /** Path from the root of the project: `src/main.ts`, `demo/run.ts`. */
  readonly entry: string;
  readonly parameters?: readonly string[];
  /** The whole environment besides PATH and HOME; nothing of ours is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; the root of the project unless told otherwise. */
  readonly cwd?: string;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** A program that goes on running. */
export interface ServerOptions extends ProgramOptions {
  /** Variables that get the number of a free port each: `['PORT', 'OPS_PORT']`. */
  readonly ports?: readonly string[];
  /** Asked again and again until it neither throws nor answers `false`: the server is ready then. By default `/readyz` at OPS_PORT answers 200. */
  readonly ready?: (server: ServerProcess) => unknown;
  /** How long it may take to be ready; 20 s unless told otherwise. */
  readonly limitMs?: number;
}

/** How a program ended. */
export interface Ended {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, for tools and for servers that refuse to start. Rejects when it is still running after `limitMs`. */
export async function runProgram(options: ProgramOptions, limitMs = 30_000): Promise<Ended> {
  const program = await ServerProcess.spawn(options, {});
  const ended = await within(limitMs, { work: program.ended, what: `the end of ${options.entry}` });
  return { ...ended, stdout: program.stdout(), stderr: program.stderr() };
}

/** Starts a server and waits until it is ready. Rejects with what it printed when it ends before. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const ports = Object.fromEntries(
      await Promise.all((options.ports ?? []).map(async (name) => [name, await freePort()] as const)),
    );
    const server = await ServerProcess.spawn(options, ports);
    if (await server.becomesReady(options)) return server;
    const output = `${server.stdout()}${server.stderr()}`;
    await server.kill();
    // Another program, or for a moment a connection of one, may have taken a port since it was found free. Any other
    // reason is the caller's.
    const isSaid = Object.values(ports).some((port) => output.includes(`Port ${port} on 127.0.0.1 is taken.`));
    const wereTaken = isSaid || !(await Promise.all(Object.values(ports).map(isFree))).every(Boolean);
    if (attempt === 5 || !wereTaken) throw new Error(`${options.entry} did not become ready:\n${output}`);
  }
}

/** A running program. */
export class ServerProcess {
  readonly ports: Readonly<Record<string, number>>;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  private constructor(child: ChildProcess, ports: Readonly<Record<string, number>>) {
    this.#child = child;
    this.ports = ports;
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
  }

  /** Starts a program without waiting for it. Use {@link startServer} or {@link runProgram}. */
  static async spawn(options: ProgramOptions, ports: Readonly<Record<string, number>>): Promise<ServerProcess> {
    const { entry, parameters = [], env = {}, cwd = root, nodeFlags = [] } = options;
    const inherited = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
    const given = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
    const child = await startChild([process.execPath, ...nodeFlags, join(root, entry), ...parameters], {
      cwd,
      env: { ...inherited, ...env, ...given },
    });
    return new ServerProcess(child, ports);
  }

  /** The process id. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('this program was never started');
    return pid;
  }

  /** The number of one of its ports; throws when it was given none of that name. */
  port(name = 'PORT'): number {
    const port = this.ports[name];
    if (port === undefined) throw new Error(`this program was given no ${name}`);
    return port;
  }

  /** All it printed to standard output so far. */
  stdout(): string {
    return this.#stdout;
  }

  /** All it printed to standard error so far. */
  stderr(): string {
    return this.#stderr;
  }

  /** Has it ended? */
  get hasEnded(): boolean {
    return hasEnded(this.#child);
  }

  /** `false` when it ended, or its time was up, before it was ready. */
  async becomesReady({
    ready = answersReadyz,
    limitMs = 20_000,
  }: Pick<ServerOptions, 'ready' | 'limitMs'>): Promise<boolean> {
    const isReady = eventually(async () => this.hasEnded || (await ready(this)), limitMs);
    return (
      (await isReady.then(
        () => true,
        () => false,
      )) && !this.hasEnded
    );
  }

  /** Sends a signal and returns at once. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops it where it stands (SIGSTOP). */
  freeze(): void {
    this.signal('SIGSTOP');
  }

  /** Lets it go on. */
  thaw(): void {
    this.signal('SIGCONT');
  }

  /** Asks it to end (SIGTERM) and makes it after `graceMs`. */
  stop(graceMs = 10_000): Promise<void> {
    return endChild(this.#child, graceMs);
  }

  /** Lets it die as in a crash (SIGKILL). */
  kill(): Promise<void> {
    return killChild(this.#child);
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function answersReadyz(server: ServerProcess): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${server.port('OPS_PORT')}/readyz`);
  await answer.body?.cancel();
  return answer.status === 200;
}
