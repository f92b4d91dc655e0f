import { describe, expect, it } from 'vitest';
import { serverFaults } from '../../../src/redis/server-check.ts';

const policy = 'maxmemory_policy:noeviction\r\n';

describe('what is wrong with a Redis server', () => {
  it.each([
    ['Redis 7.0', `# Server\r\nredis_version:7.0.15\r\n${policy}`, []],
    ['Redis 8', `redis_version:8.2.1\r\n${policy}`, []],
    ['Valkey 7.2', `redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:7.2.5\r\n${policy}`, []],
    ['an old Redis', `redis_version:6.2.14\r\n${policy}`, ['Redis 6.2.14 is too old: 7.0 or newer is needed']],
    [
      'a Valkey before its first',
      `redis_version:7.2.4\r\nvalkey_version:7.1.0\r\n${policy}`,
      ['Valkey 7.1.0 is too old: 7.2 or newer is needed'],
    ],
    [
      'one that evicts',
      'redis_version:7.4.0\r\nmaxmemory_policy:allkeys-lru\r\n',
      [
        'maxmemory-policy is allkeys-lru: sessions may vanish under load; it must be noeviction (CONFIG SET maxmemory-policy noeviction, and redis.conf)',
      ],
    ],
    [
      'one that tells nothing',
      '',
      [
        'the server does not tell its version',
        'the server does not tell its maxmemory-policy, which must be noeviction',
      ],
    ],
  ])('%s', (_case, information, faults) => {
    expect(serverFaults(information)).toEqual(faults);
  });
});
