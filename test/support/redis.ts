/**
 * A real Redis server for one test file: its own process, port and directory.
 *
 * It can be frozen, killed, restarted and looked into. For many servers that
 * belong together (replicas, Sentinel, Cluster) give the settings in `settings`.
 *
 * @module
 */

import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChild, hasEnded, killChild, startChild } from './children.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { mustFind, redisServer } from './programs.ts';
import { type DumpedKey, dumpAll } from './redis-dump.ts';
import { type Reply, RespConnection, textOf } from './resp.ts';

/** How a server is started. All is optional. */
export interface RedisOptions {
  /** What survives a crash: nothing (the default), a snapshot on SAVE, or every write (fsync always). */
  readonly persistence?: 'none' | 'rdb' | 'aof';
  /** `requirepass`. */
  readonly password?: string;
  /** Lines of an ACL file (`user app on >secret ~cc:* +@all`). The default user is off unless a line says otherwise. */
  readonly acl?: readonly string[];
  /** Further settings in the order of redis.conf, e.g. `['replicaof 127.0.0.1 7000']`. They win over ours. */
  readonly settings?: readonly string[];
  /** `redis-server --sentinel` instead of a data server. */
  readonly sentinel?: boolean;
}

const controlUser = 'test-control';
const controlPassword = 'test-control-password';

/** Starts a server on a free port of 127.0.0.1 and waits until it answers. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'claimcheck-redis-'));
  for (let attempt = 1; ; attempt++) {
    const server = new RedisServer({ port: await freePort(), directory, options });
    try {
      await server.start();
      return server;
    } catch (error) {
      // Another program may have taken the port since it was found free.
      if (attempt === 5) throw error;
    }
  }
}

/** A running server. */
export class RedisServer {
  readonly port: number;
  readonly directory: string;
  readonly #options: RedisOptions;
  #child: ChildProcess | undefined;
  #control: RespConnection | undefined;

  /** Use {@link startRedis}, which finds a port. */
  constructor({ port, directory, options }: { port: number; directory: string; options: RedisOptions }) {
    this.port = port;
    this.directory = directory;
    this.#options = options;
  }

  /** `redis://…` for the default user, with the password if there is one. */
  get url(): string {
    const { password } = this.#options;
    return `redis://${password ? `:${encodeURIComponent(password)}@` : ''}127.0.0.1:${this.port}`;
  }

  /** `redis://…` for a user of the ACL lines. */
  urlFor(user: string, password: string): string {
    return `redis://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${this.port}`;
  }

  /** The process id; throws when the server is down. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined || !this.#child || hasEnded(this.#child)) throw new Error('this Redis is not running');
    return pid;
  }

  /** Starts the process again after {@link stop} or {@link kill}, on the same port, with what lies in its directory. */
  async start(): Promise<void> {
    const config = join(this.directory, `redis-${this.port}.conf`);
    await writeFile(join(this.directory, 'users.acl'), aclOf(this.#options).join('\n'));
    await writeFile(config, settingsOf(this, this.#options).join('\n'));
    const mode = this.#options.sentinel ? ['--sentinel'] : [];
    const child = await startChild([mustFind(redisServer), config, ...mode], { cwd: this.directory });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    this.#child = child;
    await eventually(async () => {
      if (hasEnded(child)) return true;
      return textOf(await this.#command(['PING'], 500)) === 'PONG';
    }, 10_000);
    if (hasEnded(child)) throw new Error(`redis-server ended at once:\n${output}`);
  }

  /** Stops the process where it stands (SIGSTOP): connections stay open, nothing is answered. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  /** Lets a frozen process go on. */
  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends the server in good order and keeps its directory, for a later {@link start}. */
  async halt(): Promise<void> {
    this.#disconnect();
    if (this.#child) await endChild(this.#child);
  }

  /** Ends the server and removes its directory. */
  async stop(): Promise<void> {
    await this.halt();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Lets the server die as in a crash (SIGKILL). What was not persisted is lost. */
  async kill(): Promise<void> {
    this.#disconnect();
    if (this.#child) await killChild(this.#child);
  }

  /** Ends the server, if it runs, and starts it on the same port; `keepData` saves a snapshot before. */
  async restart({ keepData = false }: { keepData?: boolean } = {}): Promise<void> {
    const runs = this.#child !== undefined && !hasEnded(this.#child);
    if (runs && keepData && this.#options.persistence !== 'aof') await this.cli('SAVE');
    await this.halt();
    if (!keepData) await this.#forget();
    await this.start();
  }

  /** Sends one command as a user who may do everything. The answer's text is read as UTF-8, lists one member a line. */
  async cli(...parts: readonly (string | number | Buffer)[]): Promise<string> {
    return textOf(await this.reply(...parts));
  }

  /** Like {@link cli}, with the answer as it came. */
  reply(...parts: readonly (string | number | Buffer)[]): Promise<Reply> {
    return this.#command(parts.map((part) => (typeof part === 'number' ? String(part) : part)));
  }

  /** Every key with type, TTL and all it holds, sorted by name. */
  dumpAll(): Promise<readonly DumpedKey[]> {
    return dumpAll((...parts) => this.reply(...parts));
  }

  /** How many commands the server has run, those that this class sends to count them excepted. */
  async commandCount(): Promise<number> {
    return [...(await this.commandCounts()).values()].reduce((sum, count) => sum + count, 0);
  }

  /** Runs per command (`get`, `evalsha`, `client|tracking`), from INFO commandstats, INFO itself excepted. */
  async commandCounts(): Promise<ReadonlyMap<string, number>> {
    const lines = (await this.cli('INFO', 'commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
    return new Map(
      [...lines].filter(([, name]) => name !== 'info').map(([, name = '', calls]) => [name, Number(calls)]),
    );
  }

  /** Watches every command from now on. `lines()` gives them as MONITOR prints them; call `close` at the end. */
  async monitor(): Promise<{ lines(): readonly string[]; close(): void }> {
    const connection = await this.#connect();
    await connection.command(['MONITOR']);
    return { lines: () => connection.unasked.map(textOf), close: () => connection.close() };
  }

  /** For `await using`: stops the server at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #command(parts: readonly (string | Buffer)[], limitMs?: number): Promise<Reply> {
    this.#control ??= await this.#connect();
    try {
      return await this.#control.command(parts, limitMs);
    } catch (error) {
      // After a failure the order of answers is not certain: begin afresh.
      this.#disconnect();
      throw error;
    }
  }

  async #connect(): Promise<RespConnection> {
    const connection = await RespConnection.open(this.port);
    const { password, acl } = this.#options;
    if (acl) await connection.command(['AUTH', controlUser, controlPassword]);
    else if (password) await connection.command(['AUTH', password]);
    return connection;
  }

  #disconnect(): void {
    this.#control?.close();
    this.#control = undefined;
  }

  async #forget(): Promise<void> {
    for (const name of ['dump.rdb', 'appendonlydir']) {
      await rm(join(this.directory, name), { recursive: true, force: true });
    }
  }
}

type Place = Pick<RedisServer, 'port' | 'directory'>;

function settingsOf({ port, directory }: Place, options: RedisOptions): readonly string[] {
  const persistence = {
    none: ['save ""', 'appendonly no'],
    rdb: ['save 3600 1', 'appendonly no'],
    aof: ['save ""', 'appendonly yes', 'appendfsync always'],
  }[options.persistence ?? 'none'];
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    ...(options.sentinel ? [] : [...persistence, 'maxmemory-policy noeviction']),
    ...(options.acl ? [`aclfile ${join(directory, 'users.acl')}`] : []),
    ...(options.password ? [`requirepass ${options.password}`] : []),
    ...(options.settings ?? []),
  ];
}

function aclOf({ acl = [] }: RedisOptions): readonly string[] {
  const off = acl.some((line) => line.startsWith('user default ')) ? [] : ['user default off'];
  return [...off, `user ${controlUser} on >${controlPassword} ~* &* +@all`, ...acl, ''];
}
