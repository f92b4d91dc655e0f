/**
 * The programs as they are started: exit codes, which stream says what, and that a
 * fault of the configuration is told in sentences and not as a trace.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../support/processes.ts';
import { errorOf, production } from '../config/settings.ts';

const empty = mkdtempSync(join(tmpdir(), 'claimcheck-cli-'));
const configured = join(empty, 'configured');

beforeAll(() => {
  mkdirSync(join(configured, 'public'), { recursive: true });
  writeFileSync(join(configured, 'public/index.html'), '<!doctype html>');
  const lines = Object.entries(production).map(([name, text]) => `${name}=${text}`);
  writeFileSync(join(configured, '.env'), `${lines.join('\n')}\n`);
});

afterAll(() => rmSync(empty, { recursive: true }));

const claimcheck = (command: string, cwd: string, env = {}) =>
  runProgram({ entry: 'src/cli/main.ts', parameters: [command], cwd, env });

describe('the program claimcheck', () => {
  it('reads .env in the working directory, and the environment before it', async () => {
    expect(await claimcheck('check', configured)).toMatchObject({ code: 0, stdout: expect.stringMatching(/ok\n$/) });
    const { code, stdout, stderr } = await claimcheck('check', configured, { PORT: 'x' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('  - PORT: must be a whole number from 0 to 65535.');
  });

  it('CA-18: prints no secret of .env', async () => {
    const { code, stdout, stderr } = await claimcheck('config', configured);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^CLIENT_SECRET +\[secret\] +set$/m);
    expect(stdout).not.toContain(production.CLIENT_SECRET);
  });

  it('ends with 2 where it was asked for nothing it knows', async () => {
    expect(await claimcheck('start', empty)).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('the server', () => {
  it('TL-07: prints every missing setting and ends with 1 where nothing is configured', async () => {
    const ended = await runProgram({ entry: 'src/main.ts', cwd: empty });
    const report = errorOf({}, { readFile: () => readFileSync(join(empty, 'nothing'), 'utf8') }).report();
    expect(ended).toEqual({ code: 1, signal: null, stdout: '', stderr: `${report}\n` });
    expect(report).toContain('is not configured yet');
  });

  it('TL-07, CA-13: prints every fault, no value and no trace where the configuration is not safe', async () => {
    const typed = 'changeme-changeme-changeme-changeme-changeme';
    const env = { SESSION_STORE: 'memory', SESSION_SECRETS: typed, ISSUER: 'http://login.example' };
    const { code, stdout, stderr } = await runProgram({ entry: 'src/main.ts', cwd: configured, env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.match(/^ {2}- [A-Z_]+/gm)).toEqual(['  - ISSUER', '  - SESSION_SECRETS', '  - SESSION_STORE']);
    expect(stderr).not.toContain(typed);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});
