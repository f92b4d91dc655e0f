/**
 * Sign-ins that somebody else begins (OIDC Core, 4): the authorization server, or a
 * portal, leads the browser to `/login?iss=…&login_hint=…&target_link_uri=…`. Off
 * unless `THIRD_PARTY_LOGIN=true`.
 *
 * Whoever it is can be anybody, so three things are taken from them and nothing
 * else: the issuer, which must be exactly ours, whom the person might be, and a page
 * of our own (LS-24). The answer is a page of ours that leads to the ordinary
 * `/login` by itself. That second request comes from our own origin and brings the
 * Strict cookie, so whoever is signed in stays who they are: a foreign link cannot put
 * another account in the place of theirs (login CSRF; RFC 6819, 4.4.1.8).
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import type { Frontend } from '../http/frontend.ts';
import { htmlReply } from '../http/html-page.ts';
import type { Reply } from '../http/reply.ts';
import { type LoginParameters, loginParametersFrom } from './login-parameters.ts';
import { returnPathFrom } from './return-path.ts';

/** What the parameters are held against. */
export interface ThirdPartyPolicy {
  readonly issuer: string;
  readonly frontend: Pick<Frontend, 'origin' | 'paths'>;
}

/** Whether somebody else began this: our own links never name an issuer. */
export function isBegunElsewhere(search: string): boolean {
  const query = new URLSearchParams(search);
  return query.has('iss') || query.has('target_link_uri');
}

/** The page that leads on. Throws `parameter-invalid` for another issuer, `invalid-return-path` for a page that is not ours. */
export function thirdPartyReply(search: string, { issuer, frontend }: ThirdPartyPolicy): Reply {
  const query = new URLSearchParams(search);
  if (query.getAll('iss').join(' ') !== issuer || query.getAll('target_link_uri').length > 1) {
    throw new ProblemError('parameter-invalid');
  }
  const { loginHint }: LoginParameters = loginParametersFrom(`?${onlyHintsOf(query)}`);
  const returnTo = ownPageFrom(query.get('target_link_uri') ?? '', frontend);
  const onwards = new URLSearchParams({
    return_to: returnTo,
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  });
  // In a header: no text of a request stands on a page of ours.
  const page = { title: 'One moment', body: `<p><a href="${frontend.paths.login}">Sign in</a></p>` };
  return htmlReply(200, page, { Refresh: `0;url=${frontend.paths.login}?${onwards}` });
}

// Everything else they may have sent is left behind, repeated or not.
function onlyHintsOf(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams(query.getAll('login_hint').map((hint) => ['login_hint', hint]));
}

// Our own origin alone: an origin that may call us is not one that anybody may send people to.
function ownPageFrom(text: string, { origin, paths }: ThirdPartyPolicy['frontend']): string {
  const policy = { selfOrigin: origin, trustedOrigins: new Set<string>(), authPaths: new Set(Object.values(paths)) };
  const page = returnPathFrom(text, policy);
  if (page === undefined) throw new ProblemError('invalid-return-path');
  return page;
}
