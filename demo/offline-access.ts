/**
 * Remembers which authorization requests asked for `offline_access`.
 *
 * oidc-provider drops the scope from a request without `prompt=consent` (OpenID
 * Connect Core, 11). Most authorization servers do not, and a confidential client
 * expects its refresh token. The code challenge links the request to the code that
 * is exchanged: every request has one, since PKCE is required.
 *
 * @module
 */

import type Provider from 'oidc-provider';

/** The requests that asked, by code challenge. */
export interface OfflineRequests {
  /** Starts to take note of requests, in the query and pushed. */
  watch(provider: Provider): void;
  /** Whether the request with this challenge asked. It is forgotten then: a code is exchanged once. */
  take(codeChallenge: string | undefined): boolean;
}

/** Requests that never come back for a token are dropped beyond this many, oldest first. */
const keepAtMost = 10_000;

/** Makes an empty list. */
export function createOfflineRequests(): OfflineRequests {
  const challenges = new Set<string>();

  function note(parameters: Readonly<Record<string, unknown>>): void {
    const { scope, code_challenge: challenge } = parameters;
    if (typeof challenge !== 'string' || !String(scope).split(' ').includes('offline_access')) return;
    challenges.add(challenge);
    const [oldest] = challenges;
    if (challenges.size > keepAtMost && oldest !== undefined) challenges.delete(oldest);
  }

  return {
    watch(provider) {
      const authorization = provider.pathFor('authorization');
      provider.use(async (context, next) => {
        if (context.path === authorization) note(context.query);
        await next();
        if (context.oidc?.route === 'pushed_authorization_request') note(context.oidc.body ?? {});
      });
    },
    take: (codeChallenge) => codeChallenge !== undefined && challenges.delete(codeChallenge),
  };
}
