/**
 * Which frontend a command is about, where the rules file lists several.
 *
 * @module
 */

import type { Config, FrontendConfig } from '../config/config.ts';

/** The one that `id` names, or the only one; or what is said where that is none or not clear. */
export function chosenFrontend(
  { frontends }: Config,
  id: string | undefined,
): FrontendConfig | { readonly complaint: string } {
  const [first, second] = frontends;
  const ids = frontends.map((each) => each.id).join(', ');
  if (id === undefined) {
    return second === undefined
      ? first
      : { complaint: `there are several frontends; name one with --frontend: ${ids}` };
  }
  return (
    frontends.find((each) => each.id === id) ?? { complaint: `there is no frontend ${JSON.stringify(id)}: ${ids}` }
  );
}
