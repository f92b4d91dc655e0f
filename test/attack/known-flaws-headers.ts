/**
 * Flaws of identity and forwarding headers (see known-flaws.ts).
 *
 * @module
 */

import type { FlawFamily } from './known-flaws.ts';
import { by } from './known-flaws-tests.ts';

/** What was told or taken away in the name of a person or a proxy. */
export const headerFlaws: FlawFamily = {
  title: 'Identity and forwarding headers',
  flaws: [
    {
      id: '2B-24',
      seenIn: 'oauth2-proxy',
      flaw: 'the list of names to strip missed the twin with underscores',
      attack: '`X_Forwarded_User: admin`',
      here: 'What goes on is a list of allowed names; `_` and `.` in a name are 400.',
      shownBy: [by.underscoresAndDots, by.anySpelling, by.identityHeaders],
    },
    {
      id: '2B-25',
      seenIn: 'Traefik',
      flaw: 'the same for `X-Forwarded-*`',
      attack: '`X_Forwarded_Proto: https`',
      here: 'As 24.',
      shownBy: [by.underscoresAndDots, by.anySpelling, by.forwardingHeaders],
    },
    {
      id: '2B-26',
      seenIn: 'Traefik',
      flaw: 'the copy in another case was left beside the own one',
      attack: '`x-auth-user: admin`',
      here: 'Built from nothing: what is ours is there once.',
      shownBy: [by.identityHeaders, by.forwardingHeaders, by.foreignAuthorization],
    },
    {
      id: '2B-27',
      seenIn: 'Traefik',
      flaw: 'names with dots survived the repair',
      attack: '`X.Auth.User: admin`',
      here: 'As 24.',
      shownBy: [by.underscoresAndDots, by.anySpelling],
    },
    {
      id: '2B-28',
      seenIn: 'Traefik',
      flaw: 'header rules did not look at trailers',
      attack: 'a trailer `X-Auth-User: admin`',
      here: 'Trailers end at our edge.',
      shownBy: [by.trailersDropped, by.trailersRefused],
    },
    {
      id: '2B-29',
      seenIn: 'Traefik',
      flaw: 'some forwarded headers were rebuilt and some forgotten',
      attack: '`X-Forwarded-Prefix: /admin`',
      here: 'As 26.',
      shownBy: [by.forwardingHeaders],
    },
    {
      id: '2B-30',
      seenIn: 'Traefik, Oathkeeper, fastify',
      flaw: 'a client named our header in `Connection`, and it was taken away',
      attack: '`Connection: close, authorization`',
      here: '`Connection` of a client removes nothing of ours.',
      shownBy: [by.namedInConnection, by.hopByHop],
    },
    {
      id: '2B-31',
      seenIn: 'http-proxy-middleware',
      flaw: '`Expect` led past the hook that cleans headers',
      attack: '`Expect: 100-continue` and forged headers',
      here: 'Answered at our edge, behind the same guards; others are 417.',
      shownBy: [by.expectContinue, by.otherExpectations],
    },
    {
      id: '2B-33',
      seenIn: 'Caddy',
      flaw: 'a header was set only where there was a value; else the client’s stayed',
      attack: 'a session and `X-User-Role: superadmin`',
      here: 'As 26; we send no claims at all.',
      shownBy: [by.identityHeaders, by.claims],
    },
    {
      id: '2B-34',
      seenIn: 'Oathkeeper',
      flaw: 'one header was believed though none should be',
      attack: '`X-Forwarded-Proto: https`',
      here: 'Without `TRUSTED_PROXIES` nobody’s word counts, for any of them.',
      shownBy: [by.forwardingHeaders, by.nobodyIsTrusted],
    },
    {
      id: '2B-35',
      seenIn: 'Spring Cloud Gateway',
      flaw: 'forwarded headers of strangers went on',
      attack: '`Forwarded: for=10.0.0.1`',
      here: 'As 29.',
      shownBy: [by.forwardingHeaders, by.trustedProxies],
    },
    {
      id: '2B-37',
      seenIn: 'APISIX',
      flaw: 'a request within a request set the client’s address',
      attack: '`X-Real-IP: 127.0.0.1`',
      here: 'The address is the socket’s, or the rightmost that no trusted proxy has.',
      shownBy: [by.clientAddresses, by.trustedProxies],
    },
    {
      id: '2B-38',
      seenIn: 'Envoy',
      flaw: 'internal headers of clients that looked internal',
      attack: '`x-envoy-original-path: /x`',
      here: 'As 18.',
      shownBy: [by.headersDecideNothing, by.forwardingHeaders],
    },
    {
      id: '2B-39',
      seenIn: 'Fiber',
      flaw: 'a header was added where it should have been set',
      attack: '`X-Real-IP: 6.6.6.6`',
      here: 'As 26.',
      shownBy: [by.forwardingHeaders],
    },
    {
      id: '2B-41',
      seenIn: 'Wonderwall, stacks of middleware',
      flaw: 'without a session the client’s `Authorization` went on',
      attack: '`Authorization: Bearer stolen`',
      here: 'Never passed on, on no route.',
      shownBy: [by.foreignAuthorization],
    },
    {
      id: '2B-42',
      seenIn: 'mod_auth_openidc',
      flaw: 'a list of groups was joined by commas',
      attack: 'the group `x,Admins`',
      here: 'No claim is put into a header; the page gets JSON.',
      shownBy: [by.claims],
    },
  ],
};
