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

import { canChange } from './changing.ts';
import type { Config } from './config.ts';
import type { Environment } from './environment.ts';
import type { Files } from './files.ts';
import { type Examined, examine } from './load.ts';
import { settingNames } from './schema.ts';

/** What became of it. */
export interface Reread {
  readonly examined: Examined;
  /** Settings that differ from those the server was started with, and cannot change while it runs. */
  readonly needRestart: readonly string[];
}

/** What is read, and what the server was started with. */
export interface Rereading {
  /** The environment of the start. */
  readonly started: Environment;
  /** That of today; it may be the same. */
  readonly now: Environment;
  readonly files: Files;
  /** The configuration that came of the start: its frontends stay the same ones. */
  readonly serving: Config;
}

/** Reads it. Throws nothing. */
export function rereadConfig({ started, now, files: disk, serving }: Rereading): Reread {
  const fixed = settingNames.filter((name) => !canChange(name));
  const kept = Object.fromEntries(fixed.map((name) => [name, started[name]]));
  const examined = examine({ ...now, ...kept }, disk, serving);
  const differing = fixed.filter((name) => (started[name] || '') !== (now[name] || ''));
  return { examined, needRestart: [...differing, ...examined.needRestart] };
}
