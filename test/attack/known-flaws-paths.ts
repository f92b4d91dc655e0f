/**
 * Flaws of which the cause is that the decision and the forward saw different bytes (see known-flaws.ts).
 *
 * @module
 */

import type { FlawFamily } from './known-flaws.ts';
import { by } from './known-flaws-tests.ts';

/** Flaws of paths and hosts. */
export const pathFlaws: FlawFamily = {
  title: 'The decision and the forward saw different bytes',
  flaws: [
    {
      id: '2A-1',
      seenIn: 'oauth2-proxy',
      flaw: 'a list of allowed paths was matched against path and query',
      attack: '`GET /api/private/x?path=/status`',
      here: 'Routes are matched by path alone, and by no expression.',
      shownBy: [by.queryOpensNothing, by.fortyQueries],
    },
    {
      id: '2A-2',
      seenIn: 'oauth2-proxy',
      flaw: '`#` and `%23` in a path widened the match',
      attack: '`GET /foo/secret%23/bar`',
      here: '400.',
      shownBy: [by.paths400, by.sixtyEncodings],
    },
    {
      id: '2A-3',
      seenIn: 'oauth2-proxy',
      flaw: 'the decision was about a path that a header named',
      attack: '`GET /admin` with `X-Forwarded-Uri: /ping`',
      here: 'No header takes part in which route a request belongs to.',
      shownBy: [by.headersDecideNothing, by.headersTurnNothing],
    },
    {
      id: '2A-5',
      seenIn: 'Oathkeeper',
      flaw: 'rules saw the path as sent, the upstream a normalized one',
      attack: '`GET /public/../admin/secrets`',
      here: 'A path that is not its own canonical form is refused; what was decided on is sent, byte for byte.',
      shownBy: [by.paths400, by.climbsOutOfNothing, by.anyPath, by.twoReadings, by.byteForByte],
    },
    {
      id: '2A-6',
      seenIn: 'Traefik',
      flaw: 'a prefix was taken off one form, the decision was about another',
      attack: '`GET /pub%2f..%2fadmin`',
      here: '400; a prefix is replaced only in a path that was decided on.',
      shownBy: [by.paths400, by.climbsOutOfNothing, by.anyPath],
    },
    {
      id: '2A-7',
      seenIn: 'Traefik',
      flaw: 'encoded separators slipped past the rules of a router',
      attack: '`GET /a%2f../admin`',
      here: '400 for each of them, single, double and triple.',
      shownBy: [by.sixtyEncodings, by.paths400],
    },
    {
      id: '2A-9',
      seenIn: 'Traefik',
      flaw: 'the router read `/` where the upstream got the raw target',
      attack: '`GET http:http://internal/admin`',
      here: 'Only the origin form is taken.',
      shownBy: [by.paths400],
    },
    {
      id: '2A-10',
      seenIn: 'Caddy',
      flaw: 'rules without regard to case missed encoded paths',
      attack: '`GET /%41DMIN`',
      here: 'Case counts everywhere, and no letter may be encoded.',
      shownBy: [by.otherSpellings, by.paths404],
    },
    {
      id: '2A-11',
      seenIn: 'Authelia',
      flaw: 'host names were compared with regard to case',
      attack: '`Host: App.Example.com`',
      here: 'One form of a host, or 421.',
      shownBy: [by.hostsThatAreOurs, by.hostsThatAreNot],
    },
    {
      id: '2A-13',
      seenIn: 'APISIX',
      flaw: 'a blocker read the path before it was normalized',
      attack: '`GET /./admin`',
      here: 'As 5.',
      shownBy: [by.paths400, by.anyPath, by.twoReadings],
    },
    {
      id: '2A-14',
      seenIn: 'fastify reply-from, http-proxy',
      flaw: '`..` climbed out of the prefix',
      attack: '`GET /pub/../priv`',
      here: 'As 5.',
      shownBy: [by.climbsOutOfNothing, by.paths400, by.rulesOfTheRoute],
    },
    {
      id: '2A-15',
      seenIn: 'fastify reply-from',
      flaw: 'the check ran on what was not yet decoded',
      attack: '`GET /%2e%2e/x`',
      here: 'As 7.',
      shownBy: [by.paths400, by.climbsOutOfNothing, by.sixtyEncodings],
    },
    {
      id: '2A-17',
      seenIn: 'Fastify',
      flaw: 'a malformed URL fell to a route without the guard',
      attack: '`GET /api/%`',
      here: '400, and no error path leads to an upstream.',
      shownBy: [by.paths400, by.sixtyEncodings, by.byteForByte],
    },
    {
      id: '2A-18',
      seenIn: 'Next.js',
      flaw: 'a header of its own, sent from outside, switched the guard off',
      attack: '`x-middleware-subrequest: …`',
      here: 'No header turns a guard off.',
      shownBy: [by.headersDecideNothing, by.headersTurnNothing],
    },
    {
      id: '2A-19',
      seenIn: 'http-proxy-middleware',
      flaw: 'hosts were matched by a part of their text',
      attack: '`Host: evillocalhost:3000`',
      here: '421 or 400; an upstream follows from the route alone.',
      shownBy: [by.hostsThatAreNot],
    },
    {
      id: '2A-21',
      seenIn: 'Pomerium',
      flaw: 'a signature was there and not looked at',
      attack: 'a signed address with other parameters',
      here: 'Whatever we sign or seal is verified at each use.',
      shownBy: [by.changedCookies, by.changedTransactions, by.changedSeals],
    },
    {
      id: '2A-22',
      seenIn: 'Pomerium',
      flaw: 'a request took the policy of another route',
      attack: 'special methods and paths',
      here: 'One matcher gives the route, and with it all of its rules.',
      shownBy: [by.rulesOfTheRoute, by.paths404],
    },
    {
      id: '2A-23',
      seenIn: 'Traefik',
      flaw: 'another router led to the same backend, unguarded',
      attack: '`GET /` on the twin host',
      here: 'One call in the source sends to an upstream, and one stage leads there.',
      shownBy: [by.oneCallOut, by.hostsThatAreNot],
    },
  ],
};
