/**
 * Faults of the token answer and of the ID token in it that no list above names.
 *
 * @module
 */

import { nestMember, repeatMember } from '../support/hostile/json.ts';
import type { Script } from '../support/hostile/script.ts';
import { fields, jose, token } from '../unit/oidc/token-faults.ts';
import { type Case, refusal } from './module.ts';

const headers: readonly (readonly [string, string, NonNullable<Script['token']['jose']>])[] = [
  ['kid is a path', 'key-unknown', { header: { kid: '../../dev/null' } }],
  ['kid is a query', 'key-unknown', { header: { kid: "' OR 1=1 --" } }],
  ['kid of 10 kB', 'token-form', { header: { kid: 'k'.repeat(10_000) } }],
  ['crit unknown', 'oauth-unsupported-operation', { header: { crit: ['x'], x: 1 } }],
  ['b64 false', 'oauth-unsupported-operation', { header: { b64: false, crit: ['b64'] } }],
  ['flattened JSON', 'oauth-invalid-response', { serialization: 'flattened' }],
  ['general JSON', 'oauth-invalid-response', { serialization: 'general' }],
  ['spaces', 'token-form', { serialization: 'spaced' }],
  ['padding', 'token-form', { serialization: 'padded' }],
  ['quotes', 'oauth-parse-error', { serialization: 'quoted' }],
  ['encrypted, dir', 'encryption-unexpected', { encrypt: { alg: 'dir' } }],
  ['zip bomb', 'encryption-unexpected', { encrypt: { alg: 'dir', zip: true, paddedTo: 5_000_000 } }],
  ['PBES2 with two thousand million rounds', 'encryption-unexpected', { encrypt: { alg: 'PBES2-HS256+A128KW' } }],
  ['nested 20 000 deep', 'token-form', { payloadText: nestMember('deep', 20_000) }],
  [
    'not UTF-8',
    'oauth-invalid-response',
    { payloadText: () => Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
  ],
];

/** All of them. */
export const tokenAnswerFaults: readonly Case[] = [
  ...headers.map(([name, reason, by]) =>
    refusal(`ID token: ${name}`, 'writes the token in this way', {
      shows: 'IT-16, IT-29, IT-33',
      refused: jose(by),
      reason,
    }),
  ),
  ...(
    [
      ['no ID token', 'oauth-invalid-response', 'provider_error', fields({ id_token: undefined })],
      ['ID token is a number', 'oauth-invalid-response', 'provider_error', fields({ id_token: 7 })],
      ['no token type', 'oauth-invalid-response', 'provider_error', fields({ token_type: undefined })],
      ['token type mac', 'oauth-unsupported-operation', 'provider_error', fields({ token_type: 'mac' })],
      ['token type DPoP', 'token-type', 'provider_error', fields({ token_type: 'DPoP' })],
      ['access token empty', 'oauth-invalid-response', 'provider_error', fields({ access_token: '' })],
      ['access token with a NUL', 'access-token-grammar', 'provider_error', fields({ access_token: 'a\0b' })],
      [
        'access token of 1 MB',
        'access-token-grammar',
        'provider_error',
        fields({ access_token: 'a'.repeat(1_000_000) }),
      ],
      ['two ID tokens', 'duplicate-member', 'provider_error', token({ raw: repeatMember('id_token', 'a.b.c') })],
      ['truncated', 'malformed', 'provider_unreachable', token({ fault: { kind: 'truncated' } })],
      ['gzip bomb', 'encoded', 'provider_unreachable', token({ fault: { kind: 'gzip', inflatedBytes: 50_000_000 } })],
      ['500', 'status-500', 'provider_unreachable', token({ status: 500 })],
      [
        '429',
        'status-429',
        'provider_unreachable',
        token({ fault: { kind: 'instead', status: 429, headers: { 'retry-after': '5' } } }),
      ],
      [
        'invalid_client',
        'invalid_client',
        'provider_error',
        token({ fault: { kind: 'instead', status: 401, json: { error: 'invalid_client' } } }),
      ],
      [
        'reset after processing',
        'connection',
        'provider_unreachable',
        token({ fault: { kind: 'reset', at: 'before-headers' } }),
      ],
      [
        'reset within the body',
        'connection',
        'provider_unreachable',
        token({ fault: { kind: 'reset', at: 'mid-body' } }),
      ],
    ] as const
  ).map(([name, reason, error, refused]) =>
    refusal(`token answer: ${name}`, 'answers in this way', {
      shows: 'CB-15, CB-25, CB-26, CB-27, IT-31',
      refused,
      reason,
      error,
    }),
  ),
  refusal('token answer: redirect', 'sends us elsewhere with code and secret', {
    shows: 'CB-25',
    refused: token((at) => ({ fault: { kind: 'redirect', to: `${at.trap.url}/token`, status: 307 } })),
    error: 'provider_unreachable',
    reason: 'redirect',
  }),
  ...(['0', 1e12] as const).map(
    (expires): Case => ({
      module: `token answer: expires_in ${JSON.stringify(expires)}`,
      does: 'says how long the access token lasts, absurdly',
      shows: 'CB-17',
      accepted: fields({ expires_in: expires }),
    }),
  ),
  ...([-1, 'soon'] as const).map((expires) =>
    refusal(`token answer: expires_in ${JSON.stringify(expires)}`, 'says nothing that could be a time', {
      shows: 'CB-17',
      refused: fields({ expires_in: expires }),
      reason: 'oauth-invalid-response',
    }),
  ),
];
