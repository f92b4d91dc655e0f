/**
 * What is said of a change to settings that are all right.
 *
 * @module
 */

import type { Environment } from '../../../src/config/environment.ts';
import { ConfigError } from '../../../src/config/faults.ts';
import type { Files } from '../../../src/config/files.ts';
import { faultsOf, filesWith, outcomeOf, production } from './settings.ts';

/** The error for an environment. Fails where there is none. */
export function errorOf(env: Environment, files: Files = filesWith()): ConfigError {
  const outcome = outcomeOf(env, files);
  if (outcome instanceof ConfigError) return outcome;
  throw new Error('this configuration has no faults');
}

/** The faults of `changes` to the settings for production. */
export function faultsWith(changes: Environment, texts: Readonly<Record<string, string>> = {}): readonly string[] {
  return faultsOf({ ...production, ...changes }, filesWith(texts));
}

/** The faults of a rules file in production. The text may begin with the first route, without the line `routes:`. */
export function faultsOfRules(routes: string, changes: Environment = {}): readonly string[] {
  const rules = routes.startsWith('  - ') ? `routes:\n${routes}` : routes;
  return faultsWith({ API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml', ...changes }, { 'rules.yaml': rules });
}
