/**
 * Faults of each endpoint that no list above names: what a provider that is
 * broken, badly set up or hostile can answer with.
 *
 * Answers that never come are not here, because they take real time:
 * test/flow/provider-client.test.ts has those.
 *
 * @module
 */

import type { Fault } from '../support/hostile/fault.ts';
import { repeatMember } from '../support/hostile/json.ts';
import { unseemlyKeys } from '../support/hostile/keys.ts';
import type { Script } from '../support/hostile/script.ts';
import type { Arrange } from '../unit/oidc/token-faults.ts';
import { type Case, type Refusal, refusal } from './module.ts';
import { both, metadata, response, userinfo } from './switches.ts';
import { tokenAnswerFaults } from './token-answer-faults.ts';

const faultOf = (endpoint: 'metadata' | 'jwks' | 'userinfo', fault: Fault): Arrange => {
  return (script) => {
    script[endpoint].fault = fault;
  };
};

const provider = (module: string, does: string, refusedProvider: Arrange): Case => ({
  ...{ module, does, refusedProvider },
  shows: 'LS-16, LS-17',
});

const descriptions: readonly Case[] = [
  provider(
    'metadata: issuer in capitals',
    'writes its issuer in capitals',
    metadata((issuer) => ({ issuer: issuer.toUpperCase() })),
  ),
  provider(
    'metadata: no issuer',
    'names no issuer',
    metadata(() => ({ issuer: undefined })),
  ),
  provider(
    'metadata: no token endpoint',
    'names no token endpoint',
    metadata(() => ({ token_endpoint: undefined })),
  ),
  provider('metadata: 500', 'answers with 500', faultOf('metadata', { kind: 'instead', status: 500 })),
  provider('metadata: HTML', 'answers with a page', faultOf('metadata', { kind: 'html' })),
  provider('metadata: truncated', 'sends half of it', faultOf('metadata', { kind: 'truncated' })),
  provider('metadata: 50 MB', 'sends 50 MB', faultOf('metadata', { kind: 'huge', bytes: 50_000_000 })),
  provider('metadata: nested', 'sends lists within lists', faultOf('metadata', { kind: 'nested', depth: 20_000 })),
  provider('metadata: reset', 'breaks the connection', faultOf('metadata', { kind: 'reset', at: 'mid-body' })),
  provider('metadata: redirect', 'sends us elsewhere', (script, at) => {
    script.metadata.fault = { kind: 'redirect', to: `${at.trap.url}/metadata`, status: 302 };
  }),
  provider('metadata: two issuers', 'names two issuers', (script) => {
    script.metadata.raw = repeatMember('issuer', 'https://evil.test');
  }),
];

const doubled = (name: string): Arrange =>
  response((sent) => ({ ...sent, [name]: [String(sent[name]), String(sent[name])] }));

const early = (module: string, does: string, by: Omit<Refusal, 'beforeToken'>): Case =>
  refusal(module, does, { ...by, beforeToken: true });

const said =
  (error: string): Arrange =>
  (script) => {
    script.authorize.error = { error, error_description: '<script>alert(1)</script>', error_uri: 'https://evil.test/' };
  };

const responses: readonly Case[] = [
  early('authorize: state twice', 'sends the `state` twice', {
    shows: 'CB-09',
    refused: doubled('state'),
    error: 'state_mismatch',
    reason: 'state-not-ours',
  }),
  early('authorize: code twice', 'sends the code twice', {
    shows: 'CB-09',
    refused: doubled('code'),
    reason: 'parameter-repeated',
  }),
  early('authorize: iss twice', 'sends its `iss` twice', {
    shows: 'CB-09',
    refused: doubled('iss'),
    reason: 'parameter-repeated',
  }),
  early('authorize: no code', 'sends no code', {
    shows: 'CB-14',
    refused: response({ code: undefined }),
    reason: 'code-missing',
  }),
  early('authorize: code of 8 kB', 'sends a code of 8 kB', {
    shows: 'CB-14',
    refused: response({ code: 'c'.repeat(8_000) }),
    reason: 'code-too-long',
  }),
  {
    module: 'authorize: code of 64 kB',
    does: 'sends a code of 64 kB',
    shows: 'CB-14',
    verdict: 'refused: 431, before anything of it is read',
    shownBy: 'test/attack/faulty-provider.test.ts',
    test: 'CB-14: a code of 64 kB is refused where it comes in, and the next sign-in works',
  },
  early('authorize: answer in the fragment', 'answers in the fragment of the address, which no browser sends', {
    shows: 'CB-01, CB-11',
    refused: (script) => {
      script.authorize.mode = 'fragment';
    },
    error: 'state_mismatch',
    reason: 'state-not-ours',
  }),
  early('authorize: code and error', 'sends a code and an error', {
    shows: 'CB-08',
    refused: response((sent) => ({ ...sent, error: 'access_denied' })),
    error: 'access_denied',
    reason: 'access_denied',
  }),
  early('authorize: ID token beside the code', 'sends an ID token to the browser', {
    shows: 'CB-11',
    refused: response({ id_token: 'eyJhbGciOiJub25lIn0.e30.' }),
    reason: 'token-in-front-channel',
  }),
  ...(
    [
      ['access_denied', 'access_denied'],
      ['login_required', 'login_required'],
      ['temporarily_unavailable', 'provider_unreachable'],
      ['server_error', 'provider_error'],
      ['unmet_authentication_requirements', 'acr_not_met'],
      ['<script>', 'provider_error'],
    ] as const
  ).map(([word, error]) =>
    early(`authorize: ${word}`, 'says so, with a script as description', {
      shows: 'CB-07, CB-08',
      refused: said(word),
      error,
      reason: word === '<script>' ? 'unknown-error' : word,
    }),
  ),
  {
    module: 'authorize: unknown parameters',
    does: 'sends parameters nobody knows',
    shows: 'CB-10',
    accepted: response({ session_state: 'z', foo: 'bar' }),
  },
];

/** The key set fails just when a key that is new is looked for. */
const atRotation = (arrange: Arrange): Arrange =>
  both((_script, at) => void at.keys.rotate({ overlap: false }), arrange);

const keySets: readonly Case[] = [
  ...(
    [
      ['500', 'key-set', faultOf('jwks', { kind: 'instead', status: 500 })],
      ['HTML', 'key-set', faultOf('jwks', { kind: 'html' })],
      ['5 MB', 'key-set', faultOf('jwks', { kind: 'huge', bytes: 5_000_000 })],
      ['truncated', 'key-set', faultOf('jwks', { kind: 'truncated' })],
      ['reset', 'key-set', faultOf('jwks', { kind: 'reset', at: 'mid-body' })],
      ['empty', 'key-set', (script: Script) => void Object.assign(script.jwks, { keys: [] })],
    ] as const
  ).map(([name, reason, arrange]) =>
    refusal(`key set: ${name}`, 'signs with a new key and gives this key set', {
      shows: 'IT-22, IT-24, CB-26',
      refused: atRotation(arrange),
      reason,
      error: 'provider_unreachable',
    }),
  ),
  refusal('key set: redirect', 'signs with a new key and has us fetch it elsewhere', {
    shows: 'IT-24, CB-25',
    refused: atRotation((script, at) => {
      script.jwks.fault = { kind: 'redirect', to: `${at.trap.url}/jwks`, status: 302 };
    }),
    error: 'provider_unreachable',
    reason: 'key-set',
  }),
  refusal('key set: private members', 'publishes its private key', {
    shows: 'IT-24',
    refused: atRotation((script, at) => {
      script.jwks.keys = () => [unseemlyKeys.withPrivateMembers(at.keys.active)];
    }),
    error: 'provider_unreachable',
    reason: 'key-set',
  }),
  {
    module: 'key set: to be kept for a day',
    does: 'has its key set kept for a day, and signs with a new key all the same',
    shows: 'IT-21',
    accepted: atRotation((script) => {
      script.jwks.maxAge = 86_400;
    }),
  },
  {
    module: 'key set: keys nobody knows',
    does: 'publishes keys that are symmetric, broken or of an unknown type beside its own',
    shows: 'IT-24',
    accepted: atRotation((script) => {
      const odd = [unseemlyKeys.symmetric('s'), unseemlyKeys.ofUnknownType('u'), unseemlyKeys.broken('b')];
      script.jwks.keys = (published) => [...odd, ...published];
    }),
  },
];

const userInfos: readonly Case[] = (
  [
    ['no sub', 'user-info-oauth-invalid-response', userinfo({ fields: { sub: undefined } })],
    ['sub is a number', 'user-info-oauth-invalid-response', userinfo({ fields: { sub: 7 } })],
    ['401', 'user-info-status-401', faultOf('userinfo', { kind: 'instead', status: 401 })],
    ['500', 'user-info-status-500', faultOf('userinfo', { kind: 'instead', status: 500 })],
    ['HTML', 'user-info-wrong-type', faultOf('userinfo', { kind: 'html' })],
    ['10 MB', 'user-info-too-large', faultOf('userinfo', { kind: 'huge', bytes: 10_000_000 })],
    ['truncated', 'user-info-malformed', faultOf('userinfo', { kind: 'truncated' })],
    ['nested', 'user-info-malformed', faultOf('userinfo', { kind: 'nested', depth: 20_000 })],
    ['reset', 'user-info-connection', faultOf('userinfo', { kind: 'reset', at: 'before-headers' })],
  ] as const
).map(([name, reason, refused]) =>
  refusal(`UserInfo: ${name}`, 'answers at UserInfo in this way', {
    shows: 'CB-22, CB-25, CB-26',
    reaches: 'userinfo',
    refused,
    reason,
  }),
);

/** All of them. */
export const endpointFaults: readonly Case[] = [
  ...descriptions,
  ...responses,
  ...tokenAnswerFaults,
  ...keySets,
  ...userInfos,
];
