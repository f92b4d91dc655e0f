/**
 * One connection to one Redis server that is kept up: made again whenever it breaks,
 * and whenever it is silent though something was asked. Which server that is, and
 * whether it is still the right one, is decided by the topologies.
 *
 * node-redis closes a silent socket by itself only while nothing is written to it:
 * every write counts as a sign of life. A frozen or cut-off server under load would
 * so be waited for without end (seen: 6 s of writes to a stopped server, with a
 * socket timeout of 1.5 s, and no timeout). Hence {@link KeptConnection.renew}.
 *
 * @module
 */

import { createClient, RESP_TYPES } from 'redis';
import { randomFraction } from '../base/random.ts';
import type { Credentials, Place } from '../config/redis-url.ts';
import type { KeyTracking } from './key-tracking.ts';

/** Takes lines for the log; the trail fits. */
export interface RedisLog {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
}

/** What opens a server's door. */
export interface Access {
  readonly tls: boolean;
  /** Asked at each connection, so that a password that was changed meanwhile is the one that is sent. */
  readonly credentials: () => Credentials;
  /** 0 unless one server, or one master, holds several. */
  readonly database: number;
}

/** How a connection is made. */
export interface ConnectionOptions {
  readonly place: Place;
  readonly access: Access;
  /** What a command may take, ms; all other durations follow from it. */
  readonly timeoutMs: number;
  /** Told of changes to what was read over this connection. */
  readonly tracking?: KeyTracking | undefined;
  /** Called each time the connection can be used, the first time too. */
  readonly onReady: (client: RedisClient) => void;
  /** Called when it can no longer be used, or could not be made. Once for each outage. */
  readonly onDown: (cause: unknown) => void;
  /** Called when the server answered the connection's own question whether it is there. */
  readonly onAlive?: () => void;
}

/** node-redis' client as we configure it. */
export type RedisClient = ReturnType<typeof clientFor>;

/** Commands that wait or are under way at most; what comes beyond fails at once. */
const mostCommands = 10_000;
/** Between two attempts to connect, ms at most. */
const longestPauseMs = 250;
/** Silence ends a connection after this many times what a command may take. */
export const silenceFactor = 3;

/** A connection, replaced as often as need be, until it is closed. */
export class KeptConnection {
  readonly #options: ConnectionOptions;
  #client: RedisClient;
  #state: 'new' | 'up' | 'down' | 'closed' = 'new';

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#open();
  }

  /** The client to send commands by; it refuses them at once while it is not connected. */
  get client(): RedisClient {
    return this.#client;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Whether it broke, or could not be made; false while the first attempt lasts. */
  get isDown(): boolean {
    return this.#state === 'down';
  }

  /** Gives the connection up and makes another. What was asked on the old one fails. */
  renew(cause: unknown): void {
    if (this.#state === 'closed') return;
    this.#client.destroy();
    this.#note('down', cause);
    this.#client = this.#open();
  }

  /** Closes for good, without waiting for what is under way. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#client.destroy();
  }

  #open(): RedisClient {
    const client = clientFor(this.#options);
    const isCurrent = () => client === this.#client && this.#state !== 'closed';
    client.on('ready', () => {
      if (!isCurrent()) return;
      this.#note('up');
      this.#options.onReady(client);
    });
    client.on('error', (cause: unknown) => {
      if (isCurrent()) this.#note('down', cause);
    });
    client.on('ping-interval', () => {
      if (isCurrent()) this.#options.onAlive?.();
    });
    // It tries for ever, and says by events how that goes; it rejects only when it is destroyed meanwhile.
    client.connect().catch((cause: unknown) => {
      if (isCurrent()) this.#note('down', cause);
    });
    return client;
  }

  #note(state: 'up' | 'down', cause?: unknown): void {
    const isNews = this.#state !== state;
    this.#state = state;
    if (state === 'down' && isNews) this.#options.onDown(cause);
  }
}

/** What the log is told of a failure. Messages of Redis and of sockets hold no password. */
export function causeOf(failure: unknown): string {
  return failure instanceof Error ? `${failure.name}: ${failure.message}` : 'unknown';
}

/** Where a socket goes, and whether it speaks TLS there. */
export function socketTo(place: Place, { tls }: Pick<Access, 'tls'>) {
  return { ...place, ...(tls && { tls: true as const, ...serverNameOf(place) }) };
}

/** What node-redis asks for user and password by. */
export function providerOf({ credentials }: Pick<Access, 'credentials'>) {
  return {
    type: 'async-credentials-provider' as const,
    credentials: async () => {
      const { username, password } = credentials();
      return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
    },
  };
}

// The options of every client, whatever the topology.
function clientFor({
  place,
  access,
  timeoutMs,
  tracking,
}: Pick<ConnectionOptions, 'place' | 'access' | 'timeoutMs' | 'tracking'>) {
  return createClient({
    credentialsProvider: providerOf(access),
    database: access.database,
    RESP: 3,
    ...(tracking && { clientSideCache: tracking }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostCommands,
    pingInterval: timeoutMs,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    // No timeout of the library's: it does not end a command that was written, and costs a timer for each.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: {
      ...socketTo(place, access),
      connectTimeout: timeoutMs * silenceFactor,
      socketTimeout: timeoutMs * silenceFactor,
      reconnectStrategy: pauseBefore,
    },
  });
}

// A server name is a DNS name (RFC 6066, 3): an address in its place is refused by Node.
function serverNameOf({ host }: Place): { readonly servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}

// Half of it is chance, so that all instances do not come back in the same moment.
function pauseBefore(attempt: number): number {
  const whole = Math.min(longestPauseMs, 16 * 2 ** Math.min(attempt, 4));
  return Math.ceil(whole / 2 + (whole / 2) * randomFraction());
}
