/**
 * Rows for tables of faults: each sets one switch of the hostile provider's token
 * endpoint.
 *
 * @module
 */

import type { Script } from '../../support/hostile/script.ts';
import type { HostileProvider } from '../../support/hostile-provider.ts';

/** Sets the switches of one case. */
export type Arrange = (script: Script, at: HostileProvider) => void;

/** A case, what it does, and what it is refused with: a reason, or a pattern for kind and reason. */
export type Row = readonly [name: string, arrange: Arrange, reason: string | RegExp];

/** Switches of the token endpoint. */
export function token(
  changes: Partial<Script['token']> | ((at: HostileProvider) => Partial<Script['token']>),
): Arrange {
  return (script, at) => void Object.assign(script.token, typeof changes === 'function' ? changes(at) : changes);
}

/** Claims of the ID token. */
export function claims(changes: Record<string, unknown>): Arrange {
  return token({ claims: changes });
}

/** One claim, some seconds from the provider's now. */
export function shifted(name: string, seconds: number): Arrange {
  return token((at) => ({ claims: { [name]: at.now() + seconds } }));
}

/** Members of the token answer. */
export function fields(changes: Record<string, unknown>): Arrange {
  return token({ fields: changes });
}

/** Header, key and signature of the ID token. */
export function jose(by: NonNullable<Script['token']['jose']>): Arrange {
  return token({ jose: by });
}
