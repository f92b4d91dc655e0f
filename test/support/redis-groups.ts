/**
 * Redis servers that belong together: a master with replicas under sentinels, or a
 * cluster; real processes, each on a free port of 127.0.0.1.
 *
 * @module
 */

import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { type RedisServer, startRedis } from './redis.ts';

/** How long a server may be silent before the others take it for dead, ms. Short, so that tests are. */
const deadAfterMs = 1_000;

/** What a master is called in tests. */
export const masterName = 'sessions';

/** How many of what. */
export interface SentinelOptions {
  /** 1 unless told otherwise. */
  readonly replicas?: number;
  /** 3 unless told otherwise. */
  readonly sentinels?: number;
  /** Settings of the master and its replicas. */
  readonly settings?: readonly string[];
}

/** Starts a master, its replicas and their sentinels, and waits until they know of each other. */
export async function startSentinelGroup(options: SentinelOptions = {}): Promise<SentinelGroup> {
  const { replicas = 1, sentinels = 3, settings = [] } = options;
  const common = ['repl-diskless-sync-delay 0', 'repl-ping-replica-period 1', ...settings];
  const master = await startRedis({ settings: common });
  const others = await Promise.all(
    Array.from({ length: replicas }, () => startRedis({ settings: [...common, `replicaof 127.0.0.1 ${master.port}`] })),
  );
  await eventually(async () => {
    const states = await Promise.all(others.map((replica) => replica.cli('INFO', 'replication')));
    return states.every((state) => state.includes('master_link_status:up'));
  }, 15_000);
  const watchers = await Promise.all(
    Array.from({ length: sentinels }, () => startRedis(sentinelOf(master, sentinels))),
  );
  const group = new SentinelGroup([master, ...others], watchers);
  await eventually(() => group.isWhole(), 15_000);
  return group;
}

/** A master, its replicas and their sentinels. */
export class SentinelGroup {
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  /** Use {@link startSentinelGroup}. */
  constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  /** `redis-sentinel://…` */
  get url(): string {
    return `redis-sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${masterName}`;
  }

  /** The server that the sentinels name, once they agree. */
  async master(): Promise<RedisServer> {
    let found: RedisServer | undefined;
    await eventually(async () => {
      const ports = await this.#named();
      found = this.servers.find(({ port }) => ports.every((named) => named === port));
      return found !== undefined;
    }, 15_000);
    if (found === undefined) throw new Error('the sentinels do not agree');
    return found;
  }

  /** Resolves at the moment when the first sentinel names another master than `before`: that is its `+switch-master`. */
  async switched(before: RedisServer): Promise<void> {
    await eventually(async () => (await this.#named()).some((port) => port !== before.port), 30_000);
  }

  #named(): Promise<readonly number[]> {
    return Promise.all(this.sentinels.map((sentinel) => masterPort(sentinel)));
  }

  /** Whether every sentinel knows all replicas and all other sentinels, so that a failover can begin. */
  async isWhole(): Promise<boolean> {
    const states = await Promise.all(this.sentinels.map((sentinel) => sentinel.cli('SENTINEL', 'MASTER', masterName)));
    return states.every((state) => {
      const lines = state.split('\n');
      const count = (name: string) => Number(lines[lines.indexOf(name) + 1]);
      return (
        count('num-slaves') === this.servers.length - 1 && count('num-other-sentinels') === this.sentinels.length - 1
      );
    });
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }
}

/** Starts a cluster of three masters with as many replicas each as asked for, and waits until it serves. */
export async function startCluster({ replicas = 0 }: { readonly replicas?: number } = {}): Promise<ClusterGroup> {
  const settings = [
    'cluster-enabled yes',
    `cluster-node-timeout ${deadAfterMs}`,
    'cluster-replica-validity-factor 0',
    'repl-diskless-sync-delay 0',
    'repl-ping-replica-period 1',
  ];
  // The usual port of the bus, 10 000 above, may not exist for a port chosen by the system.
  const buses = await Promise.all(Array.from({ length: 3 + 3 * replicas }, () => freePort()));
  const servers = await Promise.all(buses.map((bus) => startRedis({ settings: [...settings, `cluster-port ${bus}`] })));
  const [first] = servers;
  if (first === undefined) throw new Error('a cluster without servers');
  for (const [at, { port }] of servers.entries()) {
    await first.cli('CLUSTER', 'MEET', '127.0.0.1', port, buses[at] ?? 0);
    const from = Math.ceil((at * 16_384) / 3);
    if (at < 3) await servers[at]?.cli('CLUSTER', 'ADDSLOTSRANGE', from, Math.ceil(((at + 1) * 16_384) / 3) - 1);
  }
  const group = new ClusterGroup(servers);
  await eventually(() => group.knowEachOther(), 20_000);
  for (const [at, server] of servers.slice(3).entries()) {
    const id = await servers[at % 3]?.cli('CLUSTER', 'MYID');
    await server.cli('CLUSTER', 'REPLICATE', id ?? '');
  }
  await eventually(() => group.serves(), 20_000);
  return group;
}

/** A running cluster. The first three servers begin as masters; the replicas of the first are 3, 6, … */
export class ClusterGroup {
  readonly servers: readonly RedisServer[];

  /** Use {@link startCluster}. */
  constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  /** `redis-cluster://…`, with the first three as the nodes to ask. */
  get url(): string {
    return `redis-cluster://${this.servers
      .slice(0, 3)
      .map(({ port }) => `127.0.0.1:${port}`)
      .join(',')}`;
  }

  /** Whether every server has heard of all others. */
  async knowEachOther(): Promise<boolean> {
    const infos = await Promise.all(this.servers.map((server) => server.cli('CLUSTER', 'INFO')));
    return infos.every((info) => info.includes(`cluster_known_nodes:${this.servers.length}\r`));
  }

  /** Whether every server takes the cluster for whole, and every replica has caught up. */
  async serves(): Promise<boolean> {
    const infos = await Promise.all(this.servers.map((server) => server.cli('CLUSTER', 'INFO')));
    const links = await Promise.all(this.servers.slice(3).map((server) => server.cli('INFO', 'replication')));
    return (
      infos.every((info) => info.includes('cluster_state:ok') && info.includes('cluster_slots_ok:16384')) &&
      links.every((link) => link.includes('master_link_status:up'))
    );
  }

  /** Resolves when every server but `lost` has a whole map again in which `lost` owns nothing. */
  async recovered(lost: RedisServer): Promise<void> {
    const others = this.servers.filter((server) => server !== lost);
    await eventually(async () => {
      const maps = await Promise.all(others.map((server) => server.cli('CLUSTER', 'SLOTS')));
      const infos = await Promise.all(others.map((server) => server.cli('CLUSTER', 'INFO')));
      return (
        maps.every((map) => !map.split('\n').includes(String(lost.port))) &&
        infos.every((info) => info.includes('cluster_state:ok'))
      );
    }, 30_000);
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

function sentinelOf(master: RedisServer, sentinels: number) {
  const quorum = Math.floor(sentinels / 2) + 1;
  return {
    sentinel: true,
    settings: [
      `sentinel monitor ${masterName} 127.0.0.1 ${master.port} ${quorum}`,
      `sentinel down-after-milliseconds ${masterName} ${deadAfterMs}`,
      `sentinel failover-timeout ${masterName} 6000`,
    ],
  };
}

async function masterPort(sentinel: RedisServer): Promise<number> {
  const answer = await sentinel.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
  return Number(answer.split('\n')[1]);
}
