/**
 * `claimcheck sessions` where it cannot do what it was asked for. What it does
 * beside a server that runs is in test/flow/operator-sessions.test.ts.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { startRedis } from '../../support/redis.ts';
import { production } from '../config/settings.ts';
import { ranWith } from './running.ts';

const local = { ...production, PUBLIC_URL: 'http://localhost:3000' };
const run = (parameters: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  ranWith(['sessions', ...parameters], { env: { ...local, ...env } });

describe('claimcheck sessions', () => {
  it('LO-27: says that a store in memory is out of reach', async () => {
    const { code, output, complaints } = await run(['list', '--sub', 'alice'], { SESSION_STORE: 'memory' });

    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(complaints).toContain('SESSION_STORE is memory');
  });

  it('LO-27: says that Redis is away, in a bounded time, and is content with one that is there', async () => {
    await using redis = await startRedis();
    const away = await run(['end', '--sub', 'alice'], { REDIS_URL: 'redis://127.0.0.1:1' });
    const there = await run(['list', '--sub', 'alice'], { REDIS_URL: redis.url });

    expect(away).toEqual({ code: 1, output: '', complaints: expect.stringMatching(/^Redis cannot be reached/) });
    expect(there).toMatchObject({ code: 0, complaints: '' });
  });

  it.each(['-begins-with-a-hyphen', '--begins-with-two'])(
    'LO-27: takes %s for a value where one is due',
    async (word) => {
      await using redis = await startRedis();
      const end = (...more: string[]) => run(['end', ...more], { REDIS_URL: redis.url });

      expect(await end('--sub', word, '--id', word)).toMatchObject({ code: 3, output: 'ended 0' });
      expect(await end('--sub', word, word)).toMatchObject({ code: 2 });
      expect(await end('--sub', '--id', word)).toMatchObject({ code: 2 });
    },
  );

  it.each([
    [[]],
    [['list']],
    [['end']],
    [['list', '--sub', '']],
    [['list', '--sub', 'a', '--id', 'b']],
    [['delete', '--sub', 'a']],
    [['end', '--sub', 'a', '--everybody']],
    [['end', '--sub', 'a', 'b']],
    [['end', '--all', '--sub', 'a']],
    [['end', '--all', '--sub', '']],
    [['end', '--all', '--id', 'b']],
    [['end', '--all', '--sid', 'b']],
    [['end', '--all', '--issuer', 'https://issuer.example']],
    [['end', '--all', '--frontend', '']],
    [['end', '--all', '--confirm', '']],
    [['end', '--all', '--confirm', '-1']],
    [['end', '--all', '--confirm', 'all']],
    [['end', '--all', 'b']],
    [['end', '--confirm', '1']],
    [['end', '--sub', 'a', '--confirm', '1']],
    [['list', '--all']],
  ])('LO-27: does nothing and prints how it is used for %j', async (parameters) => {
    const { code, output, complaints } = await run(parameters);

    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(complaints).toContain('claimcheck sessions end');
  });

  it('LO-27: says what a user of Redis may not do who may not walk through all sessions', async () => {
    const rights = '~cc:* resetchannels &cc:ended -@all +hello +client|tracking +ping +info +subscribe';
    await using redis = await startRedis({ acl: [`user narrow on >app-password-1 ${rights}`] });
    const REDIS_URL = redis.urlFor('narrow', 'app-password-1');

    const { code, output, complaints } = await run(['end', '--all', '--confirm', '1'], { REDIS_URL });

    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(complaints).toMatch(/^Redis refuses it.*scan/);
  });

  it('names every fault of the settings', async () => {
    const { code, complaints } = await run(['list', '--sub', 'a'], { LOG_LEVEL: 'loud' });

    expect(code).toBe(1);
    expect(complaints).toContain('LOG_LEVEL: must be');
  });

  it('is explained beside the other commands', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('  sessions ') });
  });
});
