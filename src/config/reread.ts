/**
 * Reads the configuration again while the server runs: which settings can change
 * then, and what the environment says of the others that waits for a restart.
 *
 * A setting that cannot change keeps the text it was started with, and what can is
 * checked against that: so a file is never held against a `PUBLIC_URL` that is not
 * in effect.
 *
 * @module
 */

import type { Environment } from './environment.ts';
import type { Files } from './files.ts';
import { type Examined, examine } from './load.ts';
import { type SettingName, settingNames, settingOf } from './schema.ts';

/** What became of it. */
export interface Reread {
  readonly examined: Examined;
  /** Settings that differ from those the server was started with, and cannot change while it runs. */
  readonly needRestart: readonly SettingName[];
}

/** Settings that name a file whose content is taken over, or stand for one. Secrets are the others. */
const files: readonly SettingName[] = [
  'RULES_FILE',
  'API_UPSTREAM',
  'CLIENT_KEY_FILE',
  'CLIENT_DECRYPTION_KEY_FILE',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
];

/** Whether a setting can change while the server runs; also true where only its content does. */
export function canChange(name: SettingName): boolean {
  return settingOf(name).secret === true || files.includes(name);
}

/** Reads it. `started` is the environment of the start, `now` that of today; both may be the same. Throws nothing. */
export function rereadConfig({
  started,
  now,
  files: disk,
}: {
  readonly started: Environment;
  readonly now: Environment;
  readonly files: Files;
}): Reread {
  const fixed = settingNames.filter((name) => !canChange(name));
  const kept = Object.fromEntries(fixed.map((name) => [name, started[name]]));
  return {
    examined: examine({ ...now, ...kept }, disk),
    needRestart: fixed.filter((name) => (started[name] || '') !== (now[name] || '')),
  };
}
