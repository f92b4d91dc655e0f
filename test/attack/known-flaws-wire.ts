/**
 * Flaws of the wire, of upgrades and of operations (see known-flaws.ts).
 *
 * @module
 */

import type { FlawFamily } from './known-flaws.ts';
import { by } from './known-flaws-tests.ts';

/** Flaws of bodies, upgrades and connections. */
export const wireFlaws: FlawFamily = {
  title: 'Wire, upgrade, overload, operations',
  flaws: [
    {
      id: '2F-94',
      seenIn: 'http-proxy-middleware, Express',
      flaw: 'an upgrade skipped the middleware',
      attack: '`Upgrade: websocket` from another site',
      here: 'The same stages as a call, then Origin, mode and route.',
      shownBy: [by.upgradesRefused, by.upgradesWithoutSession],
    },
    {
      id: '2F-95',
      seenIn: 'Next.js',
      flaw: 'an upgrade was forwarded to wherever its target said',
      attack: 'an absolute target',
      here: '400.',
      shownBy: [by.targetsOfUpgrades, by.oneLineEach],
    },
    {
      id: '2F-97',
      seenIn: 'Traefik',
      flaw: 'the body of `CONNECT` stayed in a pooled connection',
      attack: '`CONNECT` with a body',
      here: '501, and the connection ends.',
      shownBy: [by.connectWithBody, by.traceAndConnect],
    },
    {
      id: '2F-98',
      seenIn: 'Node, undici',
      flaw: 'bytes on an idle connection answered the next request',
      attack: 'an upstream that writes two answers',
      here: 'The connection ends; nobody gets what was another’s.',
      shownBy: [by.secondOfTwoAnswers, by.idleAnswers, by.brokenAnswers],
    },
    {
      id: '2F-99',
      seenIn: 'a class of its own',
      flaw: 'decoded line breaks in a request line that was written by hand',
      attack: '`/%0d%0aX: 1`',
      here: '400 in a path; as it was sent in a query.',
      shownBy: [by.lineBreaksInQuery, by.paths400, by.byteForByte],
    },
    {
      id: '2F-101',
      seenIn: 'http-proxy-middleware',
      flaw: 'a body was read and written again',
      attack: 'a field with line breaks',
      here: 'Bodies are not read.',
      shownBy: [by.bodiesAsSent, by.anyBody, by.tenThousandBodies],
    },
    {
      id: '2F-102',
      seenIn: 'APISIX',
      flaw: 'keys that are there twice: one was checked, the other forwarded',
      attack: '`{"a":1,"a":2}`',
      here: 'As 101.',
      shownBy: [by.bodiesAsSent, by.anyBody, by.tenThousandBodies],
    },
    {
      id: '2F-103',
      seenIn: 'CrowdSec, APISIX',
      flaw: 'bodies in chunks were not inspected',
      attack: '`Transfer-Encoding: chunked`',
      here: 'Both framings have the same rules and limits.',
      shownBy: [by.bodiesAsSent, by.limitOfChunks, by.framing],
    },
    {
      id: '2F-105',
      seenIn: 'Pomerium, Spring, Kong, Express Gateway',
      flaw: 'operations on the public port',
      attack: '`GET /debug/pprof`',
      here: 'A port of its own, on this machine unless told otherwise.',
      shownBy: [by.fortyPlaces, by.twoPorts],
    },
    {
      id: '2F-106',
      seenIn: 'many',
      flaw: 'tokens in logs',
      attack: 'any failure',
      here: 'Nothing secret is in a log, a metric, an error or Redis.',
      shownBy: [by.secretsNowhere, by.nothingInRedis],
    },
  ],
};

/** Flaws that have no family of their own. */
export const furtherFlaws: FlawFamily = {
  title: 'Further ones of the same kinds',
  flaws: [
    {
      id: 'more-a',
      seenIn: 'Go, Traefik',
      flaw: 'addresses with more than one spelling',
      attack: '`::ffff:10.0.0.1`, `0x7f.1`, zones',
      here: 'One form, or no address.',
      shownBy: [by.clientAddresses, by.mappedAddresses],
    },
    {
      id: 'more-b',
      seenIn: 'Caddy and others',
      flaw: 'a check of certificates that failed open',
      attack: 'no certificate, another authority, another name',
      here: 'No call is sent.',
      shownBy: [by.unknownAuthorities, by.otherNames, by.ownCertificate],
    },
    {
      id: 'more-c',
      seenIn: 'many',
      flaw: 'request text in pages of errors',
      attack: '`/<script>` in a path or parameter',
      here: 'Our pages hold nothing of a request.',
      shownBy: [by.pagesOfErrors],
    },
    {
      id: 'more-d',
      seenIn: 'many',
      flaw: 'forged lines in a log',
      attack: 'line breaks in a path, method or name',
      here: 'One line each, with nothing that moves a cursor.',
      shownBy: [by.forgedLines, by.oneLineEach],
    },
    {
      id: 'more-e',
      seenIn: 'many',
      flaw: 'a request with two ends: the one behind it was another’s',
      attack: 'a length and chunks, forms of `Transfer-Encoding`, bare line feeds, folded headers',
      here: 'Refused and closed, or exactly one request at the upstream; the next on that connection is unharmed.',
      shownBy: [by.framing, by.oneRequestEach, by.inTheirOrder, by.oneLineOfABrokenBody],
    },
  ],
};
