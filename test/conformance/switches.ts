/**
 * Switches of the hostile provider for the rows of the table of verdicts, beside
 * those of the token endpoint (token-faults.ts).
 *
 * @module
 */

import type { Script } from '../support/hostile/script.ts';
import type { Arrange } from '../unit/oidc/token-faults.ts';

/** Nothing is wrong. */
export const honest: Arrange = () => undefined;

/** Parameters of the authorization response. */
export function response(parameters: NonNullable<Script['authorize']['parameters']>): Arrange {
  return (script) => {
    script.authorize.parameters = parameters;
  };
}

/** Members of the metadata; a function is given the issuer. */
export function metadata(changes: (issuer: string) => Readonly<Record<string, unknown>>): Arrange {
  return (script, at) => {
    script.metadata.fields = changes(at.issuer);
  };
}

/** Switches of UserInfo. */
export function userinfo(changes: Partial<Script['userinfo']>): Arrange {
  return (script) => void Object.assign(script.userinfo, changes);
}

/** Several at once. */
export function both(...all: readonly Arrange[]): Arrange {
  return (script, at) => {
    for (const arrange of all) arrange(script, at);
  };
}
