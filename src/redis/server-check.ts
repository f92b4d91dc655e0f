/**
 * Whether a Redis server is one that sessions may lie in, read from its INFO. Pure.
 *
 * @module
 */

/** What is wrong with a server, in words for the operator; empty when nothing is. */
export function serverFaults(information: string): readonly string[] {
  const fields = fieldsOf(information);
  return [...versionFaults(fields), ...policyFaults(fields)];
}

type Fields = ReadonlyMap<string, string>;

const leastRedis = [7, 0] as const;
const leastValkey = [7, 2] as const;

function fieldsOf(information: string): Fields {
  return new Map(
    [...information.matchAll(/^([a-z_0-9]+):([^\r\n]*)/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

// Valkey calls itself Redis 7.2 in redis_version, for old clients.
function versionFaults(fields: Fields): readonly string[] {
  const valkey = fields.get('valkey_version');
  const version = valkey ?? fields.get('redis_version');
  if (version === undefined) return ['the server does not tell its version'];
  const [name, least] = valkey === undefined ? ['Redis', leastRedis] : ['Valkey', leastValkey];
  return isAtLeast(version, least) ? [] : [`${name} ${version} is too old: ${least.join('.')} or newer is needed`];
}

function policyFaults(fields: Fields): readonly string[] {
  const policy = fields.get('maxmemory_policy');
  if (policy === undefined) return ['the server does not tell its maxmemory-policy, which must be noeviction'];
  if (policy === 'noeviction') return [];
  return [
    `maxmemory-policy is ${policy}: sessions may vanish under load; it must be noeviction (CONFIG SET maxmemory-policy noeviction, and redis.conf)`,
  ];
}

function isAtLeast(version: string, [leastMajor, leastMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
