/**
 * No text of a configuration shows a secret, however wrong it is.
 *
 * @module
 */

import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { commands, runCommand } from '../../../src/cli/commands.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { ConfigError } from '../../../src/config/faults.ts';
import type { Files } from '../../../src/config/files.ts';
import { frontendSettings, keysOfSetting } from '../../../src/config/frontend-settings.ts';
import { settingNames, settingOf } from '../../../src/config/schema.ts';
import { edwardsPem, filesWith, outcomeOf, production } from './settings.ts';

const secretNames = settingNames.filter((name) => settingOf(name).secret);

/** Everything that a configuration lets be read: what is thrown or given, and what each command prints. */
async function textsOf(env: Environment, files: Files): Promise<string> {
  const lines: string[] = [];
  const outcome = outcomeOf(env, files);
  lines.push(inspect(outcome, { depth: 9, showHidden: true }), JSON.stringify(outcome), String(outcome));
  if (outcome instanceof ConfigError) lines.push(outcome.report(), ...outcome.faults, outcome.stack ?? '');
  const print = (line: string) => void lines.push(line);
  const surface = {
    env,
    files,
    clock: systemClock,
    nodeVersion: '26.10.0',
    operator: 'x',
    write: print,
    complain: print,
  };
  // Those that ask others have tests of their own.
  const silent = [...commands.keys()].filter((command) => command !== 'health' && command !== 'doctor');
  for (const name of silent) await runCommand([name], surface);
  return lines.join('\n');
}

// Long enough not to stand in the texts by chance, also without the spaces around it; spaces and line breaks inside
// make it no valid value of anything.
const anyText = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  fc.stringMatching(/^[!-~]{12,40}$/),
  fc.stringMatching(/^[ -~\n]{12,40}$/),
  fc.stringMatching(/^rediss:\/\/[a-z]{4}:[A-Za-z0-9%@:/?#]{12,30}@[a-z]{4}$/),
  fc.stringMatching(/^[A-Za-z0-9]{8}\n{1,2}: [A-Za-z0-9{[*&!|>]{12}$/),
);

const anySecret = anyText.filter((text) => text.replaceAll(/\s/g, '').length >= 8);

// Claims, hosts and paths can be any word, and `claimcheck config` prints them.
const wordSettings: readonly string[] = [
  'USER_CLAIMS',
  'ID_TOKEN_AUDIENCES',
  'HOST',
  'OPS_HOST',
  'RULES_FILE',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'CLIENT_ID',
];
const places = [...settingNames.filter((name) => !wordSettings.includes(name)), 'CLIENT_SECERT', 'CLIENT_SECRET_FILE'];

describe('a secret', () => {
  it.each(secretNames)('TL-07, CA-18: is in no text when %s is any text', async (name) => {
    await fc.assert(
      fc.asyncProperty(anySecret, async (secret) => {
        const texts = await textsOf({ ...production, [name]: secret }, filesWith());
        expect(texts).not.toContain(secret);
        expect(texts).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
      { numRuns: 100 },
    );
  });

  it.each(secretNames)('CA-18: is in no text when the file of %s holds any text', async (name) => {
    await fc.assert(
      fc.asyncProperty(anySecret, async (secret) => {
        const env = { ...production, [name]: undefined, [`${name}_FILE`]: '/run/secret' };
        expect(await textsOf(env, filesWith({ '/run/secret': secret }))).not.toContain(secret.trim());
      }),
      { numRuns: 100 },
    );
  });

  it('CA-18: is in no text when it stands in place of another setting', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.stringMatching(/^[A-Za-z0-9_-]{43}$/), async (name, secret) => {
        const env = { ...production, CLIENT_SECRET: undefined, [name]: secret };
        expect(await textsOf(env, filesWith())).not.toContain(secret);
      }),
      { numRuns: 300 },
    );
  });

  it('CA-18: is in no text when the rules file is a file of secrets', async () => {
    const env = { ...production, API_UPSTREAM: undefined, RULES_FILE: '/run/rules' };

    await fc.assert(
      fc.asyncProperty(anySecret, async (secret) => {
        const files = filesWith({ '/run/rules': `CLIENT_SECRET: ${secret}\n` });
        expect(await textsOf(env, files)).not.toContain(secret.trim());
      }),
      { numRuns: 200 },
    );
  });

  it('CA-18: is in no text when it stands in place of anything that a frontend says', async () => {
    const env = { ...production, PUBLIC_URL: undefined, CLIENT_ID: undefined, CLIENT_SECRET: undefined };
    const keys = frontendSettings.filter((name) => !wordSettings.includes(name)).flatMap(keysOfSetting);
    const entry = { public_url: 'https://orders.example', client_id: 'a', client_secret_env: 'THE_SECRET' };
    const textsWith = (changes: Readonly<Record<string, unknown>>, secret: string) => {
      const { public_url, client_id, ...rest } = { ...entry, ...changes };
      const frontends = [{ id: 'orders', public_url, client_id, ...rest }];
      const rules = { frontends, routes: [{ path: '/api', upstream: 'https://a.internal' }] };
      const files = filesWith({ 'rules.yaml': JSON.stringify(rules) });
      return textsOf({ ...env, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml', THE_SECRET: secret }, files);
    };
    const anyKey = fc.constantFrom(...keys, 'id', 'client_secret', 'session_secrets');

    await fc.assert(
      fc.asyncProperty(anyKey, fc.stringMatching(/^[A-Za-z0-9_-]{43}$/), async (key, secret) => {
        expect(await textsWith({ [key]: secret }, 'x'.repeat(40))).not.toContain(secret);
        expect(await textsWith({}, secret)).not.toContain(secret);
      }),
      { numRuns: 300 },
    );
    expect(await textsWith({ client_id: 'not-a-secret-at-all' }, 'x'.repeat(40))).toContain('not-a-secret-at-all');
  });

  it.each(['CLIENT_KEY_FILE', 'CLIENT_DECRYPTION_KEY_FILE', 'TLS_KEY_FILE', 'CLIENT_SECRET_FILE'])(
    'CA-18: is in no text when %s holds a key in place of its path',
    async (name) => {
      const pem = edwardsPem().trim();
      const env = { ...production, CLIENT_SECRET: undefined, [name]: pem };

      expect(await textsOf(env, filesWith())).not.toContain(pem.split('\n')[1]);
    },
  );

  it('CA-18: is found by these tests where there is one', async () => {
    const texts = await textsOf({ ...production, CLIENT_ID: 'not-a-secret-at-all' }, filesWith());

    expect(texts).toContain('not-a-secret-at-all');
    expect(texts).toContain('[secret]');
  });
});
