/**
 * Goes to `PUBLIC_URL` as a browser would, through every proxy that stands before
 * the server, and compares what comes back with what was sent.
 *
 * It begins one sign-in and signs nobody in; nothing is written to the store.
 *
 * @module
 */

import { type Frontend, frontendOf } from '../../http/frontend.ts';
import { type Asked, adviceFor, ask } from './ask.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, skip, warn } from './finding.ts';
import { forwardedProtoCounts, protoFindings } from './proxied.ts';

const limitMs = 5_000;

/** Looks at the way from the browser to the server and back. */
export async function checkEdge(around: Around): Promise<readonly Finding[]> {
  const { config, own, clock } = around;
  const frontend = frontendOf(own);
  const at = (path: string) => new URL(frontend.origin + path);
  const before = await forwardedProtoCounts(around);
  const session = await ask(at(frontend.paths.session), { clock, limitMs });
  if ('failure' in session) return [awayFinding(session.failure, frontend)];
  const stranger = strangerFinding(session);
  if (stranger !== undefined) return [stranger];
  const doubled = await ask(at(frontend.paths.session), { clock, limitMs, headers: { cookie: twice(frontend) } });
  const login = await ask(at(`${frontend.paths.login}?return_to=/`), { clock, limitMs });
  return [
    ok('edge', `${frontend.origin} reaches Claimcheck`),
    ...('failure' in doubled ? [] : [inwardFinding(doubled)]),
    ...('failure' in login ? [] : outwardFindings(login, frontend)),
    ...protoFindings({ before, after: await forwardedProtoCounts(around), config, own }),
  ];
}

function awayFinding(failure: string, { origin }: Frontend): Finding {
  if (failure === 'ECONNREFUSED')
    return skip('edge', `nothing listens at ${origin} yet: start the server and run doctor again`);
  return fail('edge', `PUBLIC_URL ${origin}: ${adviceFor(failure)}`);
}

// What is ours says so: `/session` answers with JSON, a refusal with its source.
function strangerFinding({ status, headers, body }: Asked): Finding | undefined {
  const isOurs = headers['x-error-source'] === 'claimcheck';
  if (status === 421 && isOurs) {
    return fail(
      'edge',
      'a proxy rewrites Host, so every request is refused (421): let it pass Host as the browser sent it (nginx: proxy_set_header Host $http_host)',
    );
  }
  if (status === 308)
    return fail(
      'edge',
      'a proxy says that the browser spoke http: let it send X-Forwarded-Proto with the scheme that the browser really used',
    );
  if (status === 403 && isOurs)
    return fail(
      'edge',
      'the request is refused as plain http: let the proxy send X-Forwarded-Proto: https for what came over https',
    );
  if (status === 503)
    return isOurs || headers['x-error-source'] === 'store'
      ? fail('edge', 'the server answers 503: its session store is away')
      : warn('edge', 'something before the server answers 503');
  if (status === 200 && body.includes('"authenticated"')) return undefined;
  return fail(
    'edge',
    `something else than Claimcheck answers at PUBLIC_URL (status ${status}): check where the proxy leads`,
  );
}

// The server refuses a request that has its session cookie twice. Whoever is let through came without cookies.
function twice({ cookies }: Frontend): string {
  return `${cookies.session}=claimcheck-doctor; ${cookies.session}=claimcheck-doctor`;
}

function inwardFinding({ status }: Asked): Finding {
  if (status === 400) return ok('cookies', 'reach the server');
  return fail(
    'cookies',
    'a proxy removes or merges the Cookie header of requests, so nobody stays signed in: let it pass Cookie unchanged, and cache nothing below PUBLIC_URL',
  );
}

function outwardFindings({ status, headers }: Asked, frontend: Frontend): readonly Finding[] {
  if (status === 429)
    return [skip('cookies', 'too many sign-ins were begun from this address just now: wait ten seconds')];
  if (status !== 303)
    return [
      warn(
        'cookies',
        `a sign-in could not be begun (status ${status}): see the findings above and the log of the server`,
      ),
    ];
  const cookie = (headers['set-cookie'] ?? []).find((line) => line.startsWith(frontend.cookies.loginPrefix));
  if (cookie === undefined) {
    return [
      fail(
        'cookies',
        'a proxy drops or renames Set-Cookie, so no sign-in can be finished: let it pass Set-Cookie unchanged, and cache nothing below PUBLIC_URL',
      ),
    ];
  }
  const faults = attributeFaults(cookie, frontend);
  return faults.length === 0
    ? [ok('cookies', 'come back as they were set')]
    : [fail('cookies', `a proxy changes Set-Cookie (${faults.join(', ')}): switch off what rewrites cookies there`)];
}

function attributeFaults(cookie: string, { secure }: Frontend): readonly string[] {
  const attributes = cookie
    .split(';')
    .slice(1)
    .map((text) => text.trim().toLowerCase());
  const has = (wanted: string) => attributes.includes(wanted);
  return [
    has('httponly') ? [] : 'HttpOnly is gone',
    has('secure') || !secure ? [] : 'Secure is gone',
    has('samesite=lax') ? [] : 'SameSite is not Lax',
    has('path=/') ? [] : 'Path is not /',
    attributes.some((text) => text.startsWith('domain=')) ? 'a Domain was added' : [],
  ].flat();
}
