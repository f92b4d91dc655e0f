/**
 * The forms of `REDIS_URL`: one server, the sentinels of one master, or some nodes of
 * a cluster. Read here, since the checks of settings look into it too.
 *
 * ```
 * redis://user:password@host:6379/0
 * redis-sentinel://user:password@sentinel-a:26379,sentinel-b:26379/name-of-the-master
 * redis-cluster://user:password@node-a:6379,node-b:6379
 * ```
 *
 * `rediss…` in place of `redis…` is TLS on every connection, those to sentinels too.
 *
 * @module
 */

/** Where a server is reached. */
export interface Place {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A name and its password, as a server asks for them. */
export interface Credentials {
  /** `undefined` for the default user. */
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** What `REDIS_URL` says. Holds a password: keep it in a `Secret` as a text, and parse where it is used. */
export interface RedisAddress extends Credentials {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** At least one: the server, the sentinels, or nodes to ask for the others. */
  readonly places: readonly Place[];
  /** 0 in a cluster. */
  readonly database: number;
  /** What the sentinels call the master; empty for the other kinds. */
  readonly masterName: string;
  /** For the sentinels themselves; both undefined when they ask for none. */
  readonly sentinel: Credentials;
}

const form = /^(rediss?)(?:-(sentinel|cluster))?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^/?#\s]*))?(?:\?([^#\s]+))?$/;
const ports = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
const optionsOf = {
  single: [] as readonly string[],
  sentinel: ['db', 'sentinel_user', 'sentinel_password'] as readonly string[],
  cluster: [] as readonly string[],
};

/** Reads an address; `undefined` when it is none. Errors are not thrown, since they would show the password. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const [, scheme, several, user = '', hosts = '', path = '', query = ''] = form.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const kind = several === 'sentinel' || several === 'cluster' ? several : 'single';
  const places = hosts.split(',').map((host) => placeOf(host, ports[kind]));
  const options = new URLSearchParams(query);
  const [username, password] = credentialsOf(user);
  const database = Number(kind === 'sentinel' ? (options.get('db') ?? 0) : path);
  const masterName = kind === 'sentinel' ? path : '';
  if (!isSound({ kind, path, options, places, database }) || username === null || password === null) return undefined;
  return {
    kind,
    tls: scheme === 'rediss',
    places: places.filter((place) => place !== undefined),
    username,
    password,
    database,
    masterName,
    sentinel: {
      username: options.get('sentinel_user') ?? undefined,
      password: options.get('sentinel_password') ?? undefined,
    },
  };
}

interface Found extends Pick<RedisAddress, 'kind' | 'database'> {
  readonly path: string;
  readonly options: URLSearchParams;
  readonly places: readonly (Place | undefined)[];
}

function isSound({ kind, path, options, places, database }: Found): boolean {
  const names = [...options.keys()];
  return (
    !places.includes(undefined) &&
    (kind !== 'single' || places.length === 1) &&
    pathForms[kind].test(path) &&
    Number.isInteger(database) &&
    database >= 0 &&
    database < 100_000 &&
    new Set(names).size === names.length &&
    names.every((name) => optionsOf[kind].includes(name)) &&
    (!options.has('sentinel_user') || options.has('sentinel_password'))
  );
}

// The names that sentinels accept; a cluster has one database only.
const pathForms = { single: /^\d{0,5}$/, sentinel: /^[A-Za-z0-9._-]+$/, cluster: /^0?$/ } as const;

function placeOf(text: string, usualPort: number): Place | undefined {
  const url = `redis://${text}`;
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  return hostname === '' ? undefined : { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || usualPort) };
}

// `null` where the percent-encoding is broken.
function credentialsOf(text: string): readonly [string | undefined | null, string | undefined | null] {
  const colon = text.indexOf(':');
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return [decoded(user), decoded(password)];
}

function decoded(text: string): string | undefined | null {
  try {
    return decodeURIComponent(text) || undefined;
  } catch {
    return null;
  }
}
