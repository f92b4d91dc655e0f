/**
 * The modules of the suite's refresh plan and of its logout plans, and the logout
 * tokens that requirements add to them.
 *
 * @module
 */

import { noneSpellings } from '../support/hostile/jose.ts';
import { repeatMemberFirst } from '../support/hostile/json.ts';
import type { Case, LogoutFault } from './module.ts';

/** The refresh plan. */
export const refreshModules: readonly Case[] = [
  {
    module: 'oidcc-client-test-refresh-token',
    does: 'gives a refresh token',
    shows: 'RF-02',
    scene: 'refresh',
    verdict: 'refreshed; the new tokens are used, the session goes on',
  },
  {
    module: 'oidcc-client-test-refresh-token-invalid-issuer',
    does: 'names another issuer in the refreshed ID token',
    shows: 'RF-08',
    scene: 'refreshed ID token of another issuer',
    verdict: 'refused: the session ends, the new tokens are never used',
  },
  {
    module: 'oidcc-client-test-refresh-token-invalid-sub',
    does: 'names another person in the refreshed ID token',
    shows: 'RF-08',
    scene: 'refreshed ID token of another person',
    verdict: 'refused: the session ends, the new tokens are never used',
  },
];

function badToken(module: string, does: string, by: { shows?: string; reason: string; fault: LogoutFault }): Case {
  return { module, does, shows: by.shows ?? 'LO-14', refusedLogout: by.fault, reason: by.reason };
}

const prefix = 'oidcc-client-test-rp-backchannel-rpinitlogout';
const otherEvent = { 'http://schemas.openid.net/event/other': {} };

const backChannel: readonly Case[] = [
  {
    module: prefix,
    does: 'sends a logout token while the person signs out',
    shows: 'LO-11',
    scene: 'back-channel logout',
    verdict: '200 with `Cache-Control: no-store`; the session is gone',
  },
  ...noneSpellings.map((none) =>
    badToken(`${prefix}-alg-none (${none})`, `does not sign the logout token and says \`${none}\``, {
      reason: 'token-form',
      fault: { jose: { none } },
    }),
  ),
  badToken(`${prefix}-wrong-alg`, 'signs with another algorithm', {
    reason: 'token-algorithm',
    fault: { jose: { hmac: 'client-secret' } },
  }),
  badToken(`${prefix}-wrong-iss`, 'names another issuer', {
    reason: 'logout-token-issuer',
    fault: { claims: { iss: 'https://evil.test' } },
  }),
  badToken(`${prefix}-wrong-aud`, 'names another audience', {
    reason: 'logout-token-audience',
    fault: { claims: { aud: 'another-client' } },
  }),
  badToken(`${prefix}-no-event`, 'leaves `events` out', {
    reason: 'logout-token-events',
    fault: { claims: { events: undefined } },
  }),
  badToken(`${prefix}-wrong-event`, 'names another event', {
    reason: 'logout-token-events',
    fault: { claims: { events: otherEvent } },
  }),
  badToken(`${prefix}-with-nonce`, 'puts a nonce in', {
    shows: 'LO-14, LO-15',
    reason: 'logout-token-nonce',
    fault: { claims: { nonce: 'a-nonce' } },
  }),
];

const added: readonly Case[] = [
  badToken('expired', 'sends one that has expired', {
    reason: 'logout-token-expiry',
    fault: (now) => ({ claims: { exp: now - 60 } }),
  }),
  badToken('old iat', 'sends one of three minutes ago', {
    reason: 'logout-token-issued-at',
    fault: (now) => ({ claims: { iat: now - 180 } }),
  }),
  badToken('neither sub nor sid', 'names neither person nor session', {
    reason: 'logout-token-subject',
    fault: { claims: { sid: undefined } },
  }),
  badToken('key of another issuer', 'signs with a key that is not in its key set', {
    reason: 'signature',
    fault: { jose: { key: 'attacker' } },
  }),
  badToken('unknown kid', 'names a key that is not in its key set', {
    reason: 'key-unknown',
    fault: { jose: { header: { kid: 'nobody-knows-this-one' } } },
  }),
  badToken('doubled claim', 'names two sessions in one token', {
    reason: 'token-duplicate-member',
    fault: { jose: { payloadText: repeatMemberFirst('sid', 'another') } },
  }),
  {
    module: 'jti replayed',
    does: 'sends the same token twice',
    shows: 'LO-16',
    scene: 'logout token twice',
    verdict: 'refused: 400 the second time; a session that began since lives',
  },
  {
    module: 'ID token or access token as logout token',
    does: 'has its other tokens posted as logout tokens',
    shows: 'LO-14, IT-28',
    scene: 'other tokens as logout token',
    verdict: 'refused: 400; the session lives',
  },
  {
    module: 'doubled parameter, JSON body, body of a megabyte',
    does: 'posts the token in another form',
    shows: 'LO-14',
    scene: 'logout token in another form',
    verdict: 'refused: 4xx; the session lives',
  },
  {
    module: 'flood with unknown kids',
    does: 'is named as the sender of many tokens that nobody signed',
    shows: 'LO-20',
    shownBy: 'test/attack/logout-token-flood.test.ts',
    test: 'LO-20: names of keys that nobody knows lead to two fetches of the key set, however many they are',
    verdict: 'refused: 400 each; two fetches of the key set in all',
  },
];

const returns: readonly Case[] = [
  {
    module: 'oidcc-client-test-rp-frontchannel-opinitlogout',
    does: 'frames our logout address, on its own account',
    shows: 'LO-21, LO-22',
    scene: 'front-channel logout',
    verdict: '200, the session is gone; with another `iss` or `sid` it lives',
  },
  {
    module: 'oidcc-client-test-rp-frontchannel-rpinitlogout',
    does: 'frames our logout address while the person signs out',
    shows: 'LO-21, LO-23',
    scene: 'front-channel logout while signing out',
    verdict: '200 although the session is gone already',
  },
  {
    module: 'oidcc-client-test-rp-init-logout',
    does: 'sends the person back with the `state`',
    shows: 'LO-06',
    scene: 'return from signing out',
    verdict: 'signed out, at the page',
  },
  {
    module: 'oidcc-client-test-rp-init-logout-no-state',
    does: 'sends the person back without a `state`',
    shows: 'LO-08',
    scene: 'return without state',
    verdict: 'signed out, at the page',
  },
  {
    module: 'oidcc-client-test-rp-init-logout-other-state',
    does: 'sends the person back with another `state`',
    shows: 'LO-08',
    scene: 'return with another state',
    verdict: 'signed out, at the page; nothing of it is followed',
  },
  {
    module: 'oidcc-client-test-session-management',
    does: 'offers a check_session_iframe',
    shows: 'LO-24',
    notOurs:
      'browsers keep the provider’s cookies out of frames of another site, so the iframe would find everybody signed out; `prompt=none` and logout tokens tell, and the page learns of it from `/session/events`',
  },
];

/** The logout plans, and more. */
export const logoutModules: readonly Case[] = [...backChannel, ...added, ...returns];
