/**
 * The tests that the table of known flaws names (see known-flaws.ts).
 *
 * @module
 */

import type { Shown } from './known-flaws.ts';

const shown = (file: string, title: string): Shown => ({ file, title });

const pathConfusion = 'test/attack/path-confusion.test.ts';
const routePolicy = 'test/attack/route-policy.test.ts';
const requests = 'test/fuzz/requests.test.ts';
const transaction = 'test/unit/oidc/transaction.test.ts';
const seal = 'test/unit/session/seal.test.ts';
const forward = 'test/unit/proxy/forward.test.ts';
const forwardedHeader = 'test/attack/forwarded-header.test.ts';
const claimInjection = 'test/attack/claim-injection.test.ts';
const clientAddress = 'test/unit/http/client-address.test.ts';
const webSockets = 'test/flow/web-sockets.test.ts';
const unloggedRequest = 'test/attack/unlogged-request.test.ts';
const smuggledRequest = 'test/attack/smuggled-request.test.ts';
const hostileUpstream = 'test/attack/hostile-upstream.test.ts';
const rebuiltBody = 'test/attack/rebuilt-body.test.ts';
const slowPeer = 'test/attack/slow-peer.test.ts';
const openPorts = 'test/attack/open-ports.test.ts';
const leakedToken = 'test/attack/leaked-token.test.ts';
const whatRedisHolds = 'test/flow/what-redis-holds.test.ts';
const party = 'test/unit/guards/party.test.ts';
const upstreamTls = 'test/flow/upstream-tls.test.ts';
const oddRequest = 'test/attack/odd-request.test.ts';
const bodies = 'test/fuzz/bodies.test.ts';

/** Each test, by what it shows. */
export const by = {
  queryOpensNothing: shown(pathConfusion, 'GW-05: ?%s does not open the protected route'),
  fortyQueries: shown(routePolicy, 'PX-03, GW-05: of forty that name a public route opens no other, and closes none'),
  paths400: shown(pathConfusion, 'PX-03, PX-04, GW-05: %s is 400 and the upstream sees nothing'),
  sixtyEncodings: shown(
    routePolicy,
    'PX-03, PX-04: is refused with any of more than sixty encodings in it, by whomever and wherever',
  ),
  headersDecideNothing: shown(pathConfusion, 'PX-03, GW-05: %s changes neither the decision nor what is sent'),
  headersTurnNothing: shown(requests, 'PX-09, CK-07: turns no 401 into an answer, for no method and no path'),
  climbsOutOfNothing: shown(routePolicy, 'PX-04, GW-05: %s climbs out of nothing'),
  anyPath: shown(pathConfusion, 'GW-05: the upstream sees the target that was decided on, or nothing'),
  twoReadings: shown(requests, 'GW-05, PX-04: is read as a second, independent reading has it, or refused by both'),
  byteForByte: shown(requests, 'GW-05, GW-01: arrives byte for byte as it was read, or does not arrive'),
  otherSpellings: shown(
    routePolicy,
    'GW-01, GW-05: in the case of any letter, or with any letter encoded, leads nowhere',
  ),
  paths404: shown(pathConfusion, 'GW-01: %s is 404 and the upstream sees nothing'),
  hostsThatAreOurs: shown(
    routePolicy,
    'PX-23, GW-01: has one meaning in every case, with its port and with a final dot',
  ),
  hostsThatAreNot: shown(routePolicy, 'PX-23, GW-01: that contains ours, or is contained in it, is another'),
  rulesOfTheRoute: shown(
    routePolicy,
    'PX-03, GW-01, GW-02: the rules that were applied are those of the route that served it',
  ),
  changedCookies: shown(requests, 'CK-08, TS-02: that differs from a good one in a single place opens no session'),
  changedTransactions: shown(transaction, 'LS-22: is not ours with any one character changed, cut or added'),
  changedSeals: shown(seal, 'is refused with any bit of it changed, and cut anywhere'),
  oneCallOut: shown(forward, 'PX-03: is one call in the whole source, and one for WebSockets'),
  underscoresAndDots: shown(
    forwardedHeader,
    'PX-09: %s is refused, since some servers read it as the name with hyphens',
  ),
  anySpelling: shown(
    forwardedHeader,
    'PX-02, PX-09: no spelling of a name that speaks for a person or for us reaches the upstream',
  ),
  identityHeaders: shown(forwardedHeader, 'PX-02, PX-09: %s is not passed on, and what is ours stands once'),
  forwardingHeaders: shown(forwardedHeader, 'PX-08: %s: %s of a stranger says nothing to the upstream nor to us'),
  foreignAuthorization: shown(
    forwardedHeader,
    'PX-01, PX-02: "%s" gives way to the token of the session, and to none on a public route',
  ),
  trailersDropped: shown(forwardedHeader, 'PX-25: the trailer "%s" is not passed on'),
  trailersRefused: shown(forwardedHeader, 'PX-25: the trailer "%s" ends the request'),
  namedInConnection: shown(forwardedHeader, 'PX-07: "Connection: %s" takes nothing of ours away'),
  hopByHop: shown(forwardedHeader, 'PX-06: "Connection: %s" and what it names end at our edge'),
  expectContinue: shown(
    forwardedHeader,
    'PX-01: Expect: 100-continue with %s passes the same guards and ends at our edge',
  ),
  otherExpectations: shown(forwardedHeader, 'PX-06: refuses "Expect: %s" with 417'),
  claims: shown(claimInjection, 'PX-02, IT-32: is one value to the page whatever is in it, and none to an upstream'),
  nobodyIsTrusted: shown(clientAddress, 'PX-08: believes nobody by default, loopback and private addresses included'),
  trustedProxies: shown(
    forwardedHeader,
    'PX-08: those of a trusted proxy are read from the right, and passed on in our form only',
  ),
  clientAddresses: shown(clientAddress, 'PX-08: with %s'),
  upgradesRefused: shown(webSockets, 'CF-17, PX-26: is refused with %s, before the upstream is asked'),
  upgradesWithoutSession: shown(webSockets, 'CF-17: is refused without a session, unless the route is public'),
  targetsOfUpgrades: shown(webSockets, 'PX-03, PX-26: is refused with the target %s, whoever asks'),
  oneLineEach: shown(unloggedRequest, 'ER-04, LG-01: is left by %s'),
  connectWithBody: shown(smuggledRequest, 'PX-03, PX-27: CONNECT with a body leaves nothing behind on any connection'),
  traceAndConnect: shown(smuggledRequest, 'PX-27, PX-05: %s is refused, and nothing is echoed'),
  secondOfTwoAnswers: shown(hostileUpstream, 'PX-22: the second of two answers is never given to another caller'),
  idleAnswers: shown(
    hostileUpstream,
    'PX-22: an answer that nobody asked for on an idle connection is never given to a caller',
  ),
  brokenAnswers: shown(hostileUpstream, 'PX-22: of %s nothing reaches this caller or the next'),
  lineBreaksInQuery: shown(
    routePolicy,
    'PX-03: with line breaks in it arrives as one line, in the bytes that were sent',
  ),
  bodiesAsSent: shown(rebuiltBody, 'PX-30, PX-22: with %s arrives as it was sent, with a length and in chunks'),
  tenThousandBodies: shown(
    bodies,
    'PX-30, PX-22: ten thousand bodies arrive as they were sent, each at its own request',
  ),
  oneRequestEach: shown(smuggledRequest, 'PX-22: with %s is one request'),
  inTheirOrder: shown(smuggledRequest, 'PX-22: pipelined requests are answered one by one, in their order'),
  oneLineOfABrokenBody: shown(
    unloggedRequest,
    'ER-04, LG-01: of a body that breaks off its request says which it was, and what was wrong',
  ),
  anyBody: shown(forward, 'PX-30: carries any body unchanged, whatever its framing and however it is cut'),
  limitOfChunks: shown(slowPeer, 'PX-28: in chunks is 413 as soon as it is, and the upstream never sees it whole'),
  framing: shown(smuggledRequest, 'PX-22, PX-23, PX-24: with %s is refused, and the next caller is not harmed'),
  fortyPlaces: shown(
    openPorts,
    'GW-13, TL-14: has nothing in forty places where others keep metrics, health, settings and debuggers',
  ),
  twoPorts: shown(openPorts, 'TL-14: listens on two ports alone, and on one of them for this machine only'),
  secretsNowhere: shown(
    leakedToken,
    'TS-01, LS-03, CB-24, PX-12, LG-07: reaches neither the browser nor the log on any path, failures included',
  ),
  nothingInRedis: shown(
    whatRedisHolds,
    'TS-03, TS-04, TS-07: no token, subject, e-mail or cookie value, and everything ends by itself',
  ),
  mappedAddresses: shown(party, 'LS-28: is that of the IPv4 address where it is %s'),
  unknownAuthorities: shown(
    upstreamTls,
    'TL-02, TL-03: is not believed without, nor with another authority, and is sent nothing',
  ),
  otherNames: shown(upstreamTls, 'TL-02: is not believed under another name than its own, whatever its address'),
  ownCertificate: shown(
    upstreamTls,
    'TL-03, PX-16, GW-04: asks for our certificate and gets it; without it no call arrives',
  ),
  pagesOfErrors: shown(oddRequest, 'ER-07: shows nothing of what was sent'),
  forgedLines: shown(
    unloggedRequest,
    'LG-06, LG-07: begins no line in the log and moves no cursor, wherever it stands',
  ),
} as const;
