/**
 * What a row of the table of verdicts says: a case, what the provider does in it,
 * and what has to come of it.
 *
 * Plain data and switches of the hostile provider, without a word of how they are
 * played (scene.ts) or of vitest: the page docs/conformance.md is made of the same
 * rows.
 *
 * @module
 */

import type { AuthErrorCode } from '../../src/oidc/auth-error.ts';
import type { Arrange } from '../unit/oidc/token-faults.ts';
import type { SceneName } from './scene-names.ts';

/** What every row has. */
interface Described {
  /** The name others know it by: that of a module of the suite, of a step of an attack, of a measured case. */
  readonly module: string;
  /** The plans of the suite that hold it, by letter. */
  readonly plans?: string;
  /** What the provider does, as the end of the sentence “the provider …”. */
  readonly does: string;
  /** The requirements it shows, as they stand before the name of a test. */
  readonly shows: string;
}

/** The sign-in ends with an error: 303, no session, nothing of the answer used. */
export interface RefusedCase extends Described {
  readonly refused: Arrange;
  /** What the page is told; `provider_error` unless said otherwise. */
  readonly error?: AuthErrorCode;
  /** What the log is told: the check that must be the one to refuse. */
  readonly reason: string;
  /** `true` when the code must not even be redeemed. */
  readonly beforeToken?: boolean;
  /** The one endpoint behind the token endpoint that may be asked, because the fault is in its answer. */
  readonly reaches?: 'userinfo';
}

/** The sign-in works. */
export interface AcceptedCase extends Described {
  readonly accepted: Arrange;
}

/** The logout token is refused with 400, and the session lives. */
export interface RefusedLogoutCase extends Described {
  readonly refusedLogout: LogoutFault;
  readonly reason: string;
}

/** How a logout token differs from a good one; a function where the time counts (in s). */
export type LogoutFault = LogoutChanges | ((now: number) => LogoutChanges);

/** Changes to a logout token, as the hostile provider takes them. */
export interface LogoutChanges {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly jose?: NonNullable<Parameters<Arrange>[0]['token']['jose']>;
}

/** The provider's own description is not used: no sign-in begins. */
export interface RefusedProviderCase extends Described {
  readonly refusedProvider: Arrange;
}

/** More than one step: a scene of its own says what is done and what must come of it. */
export interface SceneCase extends Described {
  readonly scene: SceneName;
  /** The verdict in words. */
  readonly verdict: string;
}

/** Shown by a test with parts that these rows do not have. */
export interface ElsewhereCase extends Described {
  readonly shownBy: string;
  /** Its name, as it stands there. */
  readonly test: string;
  /** The verdict in words. */
  readonly verdict: string;
}

/** Not shown, because the product cannot do it yet. */
export interface PendingCase extends Described {
  readonly notYet: string;
}

/** Not shown, because the product does not want it. */
export interface ForeignCase extends Described {
  readonly notOurs: string;
}

/** One of them. */
export type Case =
  | RefusedCase
  | AcceptedCase
  | RefusedLogoutCase
  | RefusedProviderCase
  | SceneCase
  | ElsewhereCase
  | PendingCase
  | ForeignCase;

/** Rows that belong together. */
export interface Group {
  readonly title: string;
  /** The word before the names of its tests. */
  readonly id: string;
  readonly cases: readonly Case[];
}

/** What makes a refusal, beside its name and what the provider does. */
export type Refusal = Omit<RefusedCase, 'module' | 'does'>;

/** A row of a refused sign-in. */
export function refusal(module: string, does: string, by: Refusal): RefusedCase {
  return { module, does, ...by };
}

/** The name of the test that plays a row; `undefined` for one that is not played. */
export function testNameOf(group: Group, row: Case): string | undefined {
  if ('shownBy' in row) return row.test;
  return 'notYet' in row || 'notOurs' in row ? undefined : `${row.shows}: ${group.id} ${row.module}`;
}

/** What we say to it, in a few words. */
export function verdictOf(row: Case): string {
  if ('refused' in row) return `refused: \`${row.error ?? 'provider_error'}\` (${row.reason})`;
  if ('accepted' in row) return 'accepted';
  if ('refusedLogout' in row) return `refused: 400 (${row.reason})`;
  if ('refusedProvider' in row) return 'refused: `/login` 503, not ready';
  if ('verdict' in row) return row.verdict;
  return 'notYet' in row ? `not yet: ${row.notYet}` : `does not apply: ${row.notOurs}`;
}
