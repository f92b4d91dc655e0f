/**
 * What an upstream is told, built from nothing.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { createFrontend } from '../../../src/http/frontend.ts';
import type { AuthorizedRequest } from '../../../src/http/inbound.ts';
import { outboundHeaders, passedOn } from '../../../src/proxy/outbound.ts';

const requestId = '000102030405060708090a0b0c0d0e0f';
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function outbound(
  headers: Readonly<Record<string, string>>,
  changes: { readonly authorization?: string; readonly address?: string } = {},
) {
  const frontend = createFrontend({
    id: 'f',
    publicUrl: 'https://app.example:8443',
    authBasePath: '',
    trustedOrigins: [],
  });
  const request = { id: requestId, headers, frontend, clientAddress: changes.address ?? '203.0.113.9' };
  const authorized = {
    request,
    session: undefined,
    authorization: changes.authorization,
  } as unknown as AuthorizedRequest; // what the function looks at
  const flat = outboundHeaders(authorized);
  return Array.from({ length: flat.length / 2 }, (_item, at) => [flat[2 * at], flat[2 * at + 1]] as const);
}

const begun = ['traceparent', '00-000102030405060708090a0b0c0d0e0f-08090a0b0c0d0e0f-01'];
const identity = [
  ['via', '1.1 claimcheck'],
  ['x-request-id', requestId],
  ['x-forwarded-for', '203.0.113.9'],
  ['x-forwarded-host', 'app.example:8443'],
  ['x-forwarded-proto', 'https'],
  ['forwarded', 'for=203.0.113.9;host="app.example:8443";proto=https'],
];
const ours = [begun, ...identity];

describe('outboundHeaders', () => {
  it('PX-32: says who we are, who called, where and how, and no more', () => {
    expect(outbound({})).toEqual(ours);
  });

  it('PX-01: attaches the token it is given, and none it is not', () => {
    expect(outbound({ authorization: 'Bearer evil' }, { authorization: 'Bearer ours' })).toEqual([
      ...ours,
      ['authorization', 'Bearer ours'],
    ]);
    expect(outbound({ authorization: 'Bearer evil' })).toEqual(ours);
  });

  it('PX-01, PX-06: passes on every header of its list, untouched', () => {
    const headers = Object.fromEntries(passedOn.map((name) => [name, `value of ${name}`]));

    expect(outbound(headers).filter(([name]) => headers[name ?? ''] !== undefined)).toEqual(Object.entries(headers));
  });

  it.each([
    'authorization',
    'cookie',
    'connection',
    'content-length',
    'dpop',
    'expect',
    'forwarded',
    'host',
    'keep-alive',
    'origin',
    'proxy-authorization',
    'proxy-connection',
    'referer',
    'sec-fetch-site',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'x-csrf-token',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-forwarded-proto',
    'x-forwarded-user',
    'x-http-method-override',
    'x-original-url',
    'x-real-ip',
    'x-request-id',
    'x-user-id',
    'cf-connecting-ip',
    'true-client-ip',
    'client-cert',
    'x-ssl-client-verify',
    'x-amzn-oidc-data',
    'x-middleware-subrequest',
    'x-envoy-original-path',
    'something-new',
  ])('PX-02, PX-08, PX-09: knows no %s of a client', (name) => {
    expect(outbound({ [name]: 'evil' })).toEqual(ours);
  });

  it('PX-32: writes an IPv6 address as RFC 7239 wants it', () => {
    const headers = Object.fromEntries(outbound({}, { address: '2001:db8::9' }));

    expect(headers['x-forwarded-for']).toBe('2001:db8::9');
    expect(headers['forwarded']).toBe('for="[2001:db8::9]";host="app.example:8443";proto=https');
  });

  it('PX-09: passes on a well-formed trace, and its state only beside it', () => {
    expect(outbound({ traceparent, tracestate: 'a=1' }).slice(0, 2)).toEqual([
      ['traceparent', traceparent],
      ['tracestate', 'a=1'],
    ]);
    expect(outbound({ tracestate: 'a=1' })).toEqual(ours);
    expect(outbound({ traceparent, tracestate: 'x'.repeat(513) })).toEqual([['traceparent', traceparent], ...identity]);
    expect(outbound({ traceparent, tracestate: '\xff' })).toEqual([['traceparent', traceparent], ...identity]);
  });

  it.each([
    traceparent.toUpperCase(),
    `${traceparent}-00`,
    traceparent.replace('00-', 'ff-'),
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    ' ',
    '00',
  ])('PX-09: begins a trace of its own in the place of "%s"', (value) => {
    expect(outbound({ traceparent: value, tracestate: 'a=1' })).toEqual(ours);
  });
});
