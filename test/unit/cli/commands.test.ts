/**
 * The commands that read the configuration, and how a command is chosen.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { settingNames } from '../../../src/config/schema.ts';
import { development, filesWith, production } from '../config/settings.ts';
import { ranWith } from './running.ts';

const secrets = [production.CLIENT_SECRET, production.SESSION_SECRETS, production.REDIS_URL];
const broken = { ...production, LOG_LEVEL: 'loud', CLIENT_SECERT: 'x' };
const faults = ['LOG_LEVEL: must be', 'CLIENT_SECERT: is not a setting. Did you mean CLIENT_SECRET?'];

describe('claimcheck config', () => {
  const rowOf = (output: string, name: string) =>
    output
      .split('\n')
      .find((line) => line.startsWith(`${name} `) || line === name)
      ?.split(/ {2,}/);

  it('CA-18: prints every setting, where it came from, and no secret', async () => {
    const { code, output, complaints } = await ranWith(['config']);
    expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
    expect(output.split('\n').map((line) => line.split(' ', 1)[0])).toEqual(settingNames);
    expect(rowOf(output, 'ISSUER')).toEqual(['ISSUER', 'https://login.example', 'set']);
    expect(rowOf(output, 'PORT')).toEqual(['PORT', '3000', 'default']);
    expect(rowOf(output, 'RULES_FILE')).toEqual(['RULES_FILE', '-']);
    expect(rowOf(output, 'CLIENT_SECRET')).toEqual(['CLIENT_SECRET', '[secret]', 'set']);
    for (const secret of secrets) expect(output).not.toContain(secret);
  });

  it('CA-18: names the file of a secret and not what is in it', async () => {
    const env = { ...production, CLIENT_SECRET: undefined, CLIENT_SECRET_FILE: '/run/secrets/client' };
    const files = filesWith({ '/run/secrets/client': `${production.CLIENT_SECRET}\n` });
    const { code, output } = await ranWith(['config'], { env, files });
    expect(code).toBe(0);
    expect(rowOf(output, 'CLIENT_SECRET')).toEqual(['CLIENT_SECRET', '[secret]', 'file /run/secrets/client']);
    expect(output).not.toContain(production.CLIENT_SECRET);
  });

  it('CA-18: prints what can be printed of a configuration with faults, and the faults', async () => {
    const misplaced = { ...broken, ISSUER: production.CLIENT_SECRET, CLIENT_ID: undefined };
    const { code, output, complaints } = await ranWith(['config'], { env: misplaced });
    expect(code).toBe(1);
    expect(rowOf(output, 'ISSUER')).toEqual(['ISSUER', '[not valid]', 'set']);
    expect(rowOf(output, 'CLIENT_ID')).toEqual(['CLIENT_ID', '[missing]']);
    expect(rowOf(output, 'PORT')).toEqual(['PORT', '3000', 'default']);
    expect(output + complaints).not.toContain(production.CLIENT_SECRET);
    for (const fault of [...faults, 'ISSUER: must be']) expect(complaints).toContain(fault);
  });
});

describe('claimcheck check', () => {
  it('TL-07: lists every fault and fails', async () => {
    const { code, output, complaints } = await ranWith(['check'], { env: broken });
    expect({ code, output }).toEqual({ code: 1, output: '' });
    for (const fault of faults) expect(complaints).toContain(fault);
  });

  it('TL-07: says ok, and what is worth a warning', async () => {
    const { code, output, complaints } = await ranWith(['check'], { env: development });
    expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
    expect(output.split('\n').at(-1)).toBe('ok');
    expect(output).toContain('warning: SESSION_STORE=memory');
  });

  it('reads the files that settings name', async () => {
    const env = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' };
    const rules = 'routes:\n  - { path: /api/orders, upstream: https://orders.internal }';
    expect((await ranWith(['check'], { env, files: filesWith({ 'rules.yaml': rules }) })).code).toBe(0);
    expect((await ranWith(['check'], { env })).complaints).toContain('RULES_FILE: names the file rules.yaml');
  });
});

describe('claimcheck routes', () => {
  const rules = [
    'routes:',
    '  - { path: /api/news, upstream: https://news.internal, access: public, methods: [GET] }',
    '  - { path: /api/orders/archive, upstream: https://orders.internal/old, scopes: [orders.read, orders.archive] }',
  ].join('\n');
  const env = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' };

  it('lists what is in effect, the longest path first', async () => {
    const { code, output } = await ranWith(['routes'], { env, files: filesWith({ 'rules.yaml': rules }) });
    expect(code).toBe(0);
    expect(output.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['PATH', 'METHODS', 'ACCESS', 'TOKEN', 'SCOPES', 'UPSTREAM'],
      [
        '/api/orders/archive',
        'GET,HEAD,POST,PUT,PATCH,DELETE',
        'session',
        'user',
        'orders.read orders.archive',
        'https://orders.internal/old',
      ],
      ['/api/news', 'GET', 'public', 'none', '-', 'https://news.internal'],
    ]);
  });

  it('lists the faults instead where there are any', async () => {
    const { code, output, complaints } = await ranWith(['routes'], { env: broken });
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(complaints).toContain(faults[0]);
  });
});

describe('claimcheck', () => {
  it.each([[['help']], [['--help']], [['-h']], [['config', '--help']]])(
    'answers %j with its commands',
    async (args) => {
      const { code, output, complaints } = await ranWith(args);
      expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
      for (const [name, { summary }] of commands) expect(output).toMatch(new RegExp(`^ {2}${name} +${summary}$`, 'm'));
    },
  );

  it.each([[[]], [['start']], [['constructor']], [['--force']], [['check', 'twice']], [['check', '--force']]])(
    'does nothing for %j, and lists its commands',
    async (args) => {
      const { code, output, complaints } = await ranWith(args);
      expect({ code, output }).toEqual({ code: 2, output: '' });
      expect(complaints).toContain('claimcheck COMMAND');
    },
  );
});
