/**
 * The modules of the basic, form_post, configuration and dynamic plans of the
 * OpenID Foundation's suite for relying parties, made again from what they do.
 *
 * Letters of the plans: B basic, P form_post, C configuration, D dynamic, T the
 * comprehensive one.
 *
 * @module
 */

import type { Case } from './module.ts';
import { idTokenModules } from './suite-id-token.ts';
import { metadata, userinfo } from './switches.ts';

const signIn: readonly Case[] = [
  {
    module: 'oidcc-client-test',
    plans: 'B P T',
    does: 'does everything right',
    shows: 'LS-01, CB-22',
    scene: 'honest sign-in',
    verdict: 'accepted; UserInfo is reached',
  },
  {
    module: 'oidcc-client-test-client-secret-basic',
    plans: 'B P T',
    does: 'takes the client secret by HTTP Basic alone',
    shows: 'CA-07',
    scene: 'basic authentication alone',
    verdict: 'accepted; Basic is used',
  },
  {
    module: 'oidcc-client-test-nonce-unless-code-flow',
    plans: 'T',
    does: 'looks for a nonce in the request',
    shows: 'LS-04',
    scene: 'a nonce of each sign-in',
    verdict: 'accepted; a nonce is sent, another one each time',
  },
  {
    module: 'oidcc-client-test-scope-userinfo-claims',
    plans: 'B P T',
    does: 'gives profile, email, phone and address at UserInfo',
    shows: 'LS-11, SE-02',
    scene: 'claims by scope',
    verdict: 'accepted; the scopes are asked for, the claims that are configured are shown, no others',
  },
  {
    module: 'oidcc-client-test-userinfo-bearer-header',
    plans: 'B P T',
    does: 'wants the access token in the header',
    shows: 'CB-24',
    scene: 'access token in the header',
    verdict: 'accepted; the header is used, and nothing else',
  },
  {
    module: 'oidcc-client-test-userinfo-bearer-body',
    plans: 'B P T',
    does: 'wants the access token in the body and refuses the header',
    shows: 'CB-24',
    scene: 'access token in the body',
    verdict: 'refused: no token is ever put into a body or an address',
  },
  {
    module: 'oidcc-client-formpost-basic-certification-test-plan',
    plans: 'P',
    does: 'gives the answers of the basic plan by form_post',
    shows: 'CB-12',
    shownBy: 'test/flow/response-modes.test.ts',
    test: 'CB-12, LS-27: sign somebody in from a page of another site, with a 303, and the request asks for them',
    verdict:
      'accepted with RESPONSE_MODE=form_post; refused without it. What follows the callback is the same for every mode',
  },
  {
    module: 'oidcc-client-test-form-post-error',
    plans: 'T',
    does: 'answers with an error by form_post',
    shows: 'CB-08, CB-12',
    shownBy: 'test/flow/response-modes.test.ts',
    test: 'CB-08, CB-12: carry an error of the provider, too, by form_post',
    verdict: 'the page is told, with RESPONSE_MODE=form_post',
  },
  {
    module: 'oidcc-client-test-3rd-party-init-login',
    does: 'sends the person to `initiate_login_uri`',
    shows: 'LS-24',
    shownBy: 'test/flow/third-party-login.test.ts',
    test: 'LS-24: a click on a page of another site signs the person in, at the page they were sent to',
    verdict:
      'accepted where `THIRD_PARTY_LOGIN` is set; `iss` must be ours and the target a page of ours; whoever is signed in stays who they are',
  },
];

const userInfo: readonly Case[] = [
  {
    module: 'oidcc-client-test-userinfo-invalid-sub',
    plans: 'B P T',
    does: 'gives the UserInfo of somebody else',
    shows: 'CB-22',
    reaches: 'userinfo',
    refused: userinfo({ fields: { sub: 'mallory' } }),
    reason: 'user-info-oauth-json-attribute-comparison-failed',
  },
  {
    module: 'oidcc-client-test-userinfo-signed',
    plans: 'D T',
    does: 'gives UserInfo as a signed JWT',
    shows: 'CB-23',
    scene: 'signed UserInfo',
    verdict: 'accepted; with another signature refused',
  },
  {
    module: 'oidcc-client-test-aggregated-claims',
    plans: 'T',
    does: 'gives claims of somebody else by value',
    shows: 'CB-25',
    scene: 'aggregated claims',
    verdict: 'accepted; the claims are not taken over',
  },
  {
    module: 'oidcc-client-test-distributed-claims',
    plans: 'T',
    does: 'gives claims of somebody else by reference',
    shows: 'CB-25',
    scene: 'distributed claims',
    verdict: 'accepted; the reference is never followed',
  },
];

const discovery: readonly Case[] = [
  {
    module: 'oidcc-client-test-discovery-openid-config',
    plans: 'C D T',
    does: 'says in its metadata where its endpoints are',
    shows: 'LS-17',
    scene: 'endpoints of the metadata',
    verdict: 'accepted; the endpoints named there are used',
  },
  {
    module: 'oidcc-client-test-discovery-jwks-uri-keys',
    plans: 'C D T',
    does: 'has its keys at another address than usual',
    shows: 'LS-17, IT-15',
    scene: 'keys at the address of the metadata',
    verdict: 'accepted; the address named there is fetched',
  },
  {
    module: 'oidcc-client-test-discovery-issuer-mismatch',
    plans: 'C D T',
    does: 'names another issuer in its metadata',
    shows: 'LS-16',
    refusedProvider: metadata(() => ({ issuer: 'https://evil.test' })),
  },
  {
    module: 'oidcc-client-test-discovery-webfinger-acct, -url',
    plans: 'D T',
    does: 'is found by WebFinger',
    shows: 'LS-16',
    notOurs: 'the issuer is configured',
  },
  {
    module: 'oidcc-client-test-dynamic-registration',
    plans: 'D T',
    does: 'registers clients (RFC 7591)',
    shows: 'CA-07',
    notOurs: 'the client is registered by the operator',
  },
  {
    module: 'oidcc-client-test-request-uri-signed-rs256, -none',
    plans: 'D T',
    does: 'fetches the request from an address of the client',
    shows: 'LS-12',
    notOurs: 'requests are pushed (RFC 9126) where that is offered',
  },
  {
    module: 'oidcc-client-test-mtls-endpoint-aliases',
    plans: 'T',
    does: 'has other endpoints for clients with a certificate',
    shows: 'CA-08',
    shownBy: 'test/flow/client-keys.test.ts',
    test: 'CA-08: shows it at the aliases, sends its client_id, and shows another one as soon as it is replaced',
    verdict: 'accepted; the alias is used',
  },
];

/** All of chapter “basic”, in the order of what they are about. */
export const basicModules: readonly Case[] = [...signIn, ...idTokenModules, ...userInfo, ...discovery];
