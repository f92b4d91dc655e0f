/**
 * How missing programs come onto a machine.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { planInstall } from '../../../tools/install-programs.ts';
import { chromium, find, redisServer } from '../../support/programs.ts';

const debian = { osRelease: 'NAME="Debian GNU/Linux"\nID=debian\n', hasAptGet: true, isRoot: true, hasSudo: false };
const missing = [redisServer, chromium];
const folder = mkdtempSync(join(tmpdir(), 'claimcheck-path-'));

afterAll(() => rmSync(folder, { recursive: true }));

it('updates the lists and installs only what is missing, asking nothing', () => {
  expect(planInstall([redisServer], debian)).toEqual({
    commands: [
      ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'update', '-q'],
      [
        'env',
        'DEBIAN_FRONTEND=noninteractive',
        'apt-get',
        'install',
        '-q',
        '-y',
        '--no-install-recommends',
        'redis-server',
      ],
    ],
  });
});

it('uses sudo where it asks for no password, on children of Debian too', () => {
  const ubuntu = { ...debian, osRelease: 'ID=ubuntu\nID_LIKE=debian\n', isRoot: false, hasSudo: true };
  const mint = { ...ubuntu, osRelease: 'ID=linuxmint\nID_LIKE="ubuntu debian"\n' };
  for (const machine of [ubuntu, mint]) {
    expect(planInstall(missing, machine)).toMatchObject({
      commands: [expect.arrayContaining(['sudo', '-n', 'update']), expect.anything()],
    });
  }
});

it.each([
  ['another system', { ...debian, osRelease: 'ID=fedora\n' }],
  ['no apt-get', { ...debian, hasAptGet: false }],
  ['nobody may install', { ...debian, isRoot: false }],
  ['not a Linux', { ...debian, osRelease: '' }],
])('says in one line what to install: %s', (_case, machine) => {
  const plan = planInstall(missing, machine);
  expect(plan).toEqual({
    advice: expect.stringMatching(/^The tests need .*redis-server.*REDIS_SERVER.*chromium.*CHROMIUM[^\n]*\.$/),
  });
});

it('finds a program by its other names, and by its variable before all', () => {
  const path = join(folder, 'chromium-browser');
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
  const unusable = join(folder, 'redis-server');
  writeFileSync(unusable, '#!/bin/sh\n', { mode: 0o644 });

  expect(find(chromium, { PATH: folder })).toBe(path);
  expect(find(redisServer, { PATH: folder })).toBeUndefined();
  expect(find(redisServer, { PATH: folder, REDIS_SERVER: path })).toBe(path);
  expect(find(chromium, { PATH: folder, CHROMIUM: '/nowhere' })).toBeUndefined();
});
