/**
 * A request, read once.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultOfFraming, hasBody } from '../../../src/http/framing.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { kindOf } from '../../../src/http/receive-request.ts';
import { type Hop, startHop } from '../../support/hop.ts';
import { rawRequest } from '../../support/raw.ts';

let hop: Hop;
beforeAll(async () => {
  hop = await startHop('http://127.0.0.1:1', { trustedProxies: ['127.0.0.1'] });
});
afterAll(() => hop.close());

async function read(start: string, lines = '') {
  const before = { requests: hop.requests.length, refusals: hop.refusals.length };
  await rawRequest(hop.port, `${start} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`, { responses: 1 });
  return { request: hop.requests[before.requests], refusal: hop.refusals[before.refusals] };
}

describe('Receiver', () => {
  it('GW-05: gives every fact of a request, each read once', async () => {
    const { request } = await read(
      'GET /api/orders/7?x=1',
      'Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n' +
        'Cookie: a=1; claimcheck=s%3Aabc\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: HTTPS\r\n',
    );

    expect(request).toMatchObject({
      kind: 'I',
      method: 'GET',
      path: '/api/orders/7',
      search: '?x=1',
      clientAddress: '203.0.113.9',
      origin: 'http://localhost',
      fetchSite: 'same-origin',
      fetchMode: 'cors',
      fetchDest: 'empty',
      forwardedProto: 'https',
      sessionCookie: 's%3Aabc',
      upgrade: undefined,
    });
    expect(request?.replyHeaders.flat.slice(0, 2)).toEqual(['X-Request-Id', request?.id]);
    expect(request?.frontend).toBe(hop.frontend);
  });

  it('GW-05: leaves out what was not sent', async () => {
    const { request } = await read('GET /');

    expect(request).toMatchObject({ kind: 'P', search: '', clientAddress: '127.0.0.1' });
    expect([request?.origin, request?.fetchSite, request?.forwardedProto, request?.sessionCookie]).toEqual([
      undefined,
      undefined,
      'untold',
      undefined,
    ]);
  });

  it.each([
    ['GET /api/x/../y', '', 'request-ambiguous', 'path-dot-segment', 'I'],
    ['GET /a%2fb', '', 'request-ambiguous', 'path-encoded-delimiter', 'P'],
    [`GET /${'a'.repeat(8192)}`, '', 'uri-too-long', 'target-too-long', 'P'],
    ['GET /api?access_token=x', '', 'token-in-request', 'access-token-in-query', 'I'],
    ['TRACE /api/x', '', 'method-unknown', 'method', 'I'],
    ['GET /api/x', 'X_A: 1\r\n', 'request-ambiguous', 'header-name', 'I'],
    ['GET /api/x', 'Origin: a\r\nOrigin: b\r\n', 'request-ambiguous', 'repeated-origin', 'I'],
    ['GET /api/x', 'X-A: 1\r\n'.repeat(129), 'headers-too-large', 'header-count', 'I'],
    ['GET /login', 'Expect: x\r\n', 'expectation-failed', 'expect', 'P'],
    ['GET /x', 'Cookie: claimcheck=a; claimcheck=b\r\n', 'request-ambiguous', 'repeated-cookie', 'P'],
    ['GET /x', 'Content-Length: 1\r\n', 'request-ambiguous', 'unexpected-body', 'P'],
  ])('PX-22, PX-23: refuses %.30s with %.20j as %s, and says why', async (start, lines, code, detail, kind) => {
    const { request, refusal } = await read(start, lines);

    expect(request).toBeUndefined();
    expect(refusal).toMatchObject({ code, detail, kind });
  });

  it('GW-05: takes a token parameter on a page, which is none of ours to forward', async () => {
    expect((await read('GET /x?access_token=x')).request?.kind).toBe('P');
  });
});

describe('kindOf', () => {
  const frontend = createFrontend({
    id: 'f',
    publicUrl: 'https://app.example',
    authBasePath: '/bff',
    trustedOrigins: [],
  });

  it.each([
    ['/api', 'I'],
    ['/api/', 'I'],
    ['/api/orders', 'I'],
    ['/apix', 'P'],
    ['/API/orders', 'P'],
    ['/bff/login', 'A'],
    ['/bff/callback', 'A'],
    ['/bff/session', 'A'],
    ['/bff/session/refresh', 'A'],
    ['/bff/session/events', 'A'],
    ['/bff/logout', 'A'],
    ['/bff/backchannel-logout', 'A'],
    ['/bff/backchannel-logout/', 'P'],
    ['/bff/sessions', 'A'],
    ['/bff/sessions/', 'A'],
    ['/bff/sessions/a-handle', 'A'],
    ['/bff/sessionsx', 'P'],
    ['/sessions/a-handle', 'P'],
    ['/.well-known/jwks.json', 'A'],
    ['/login', 'P'],
    ['/bff/login/', 'P'],
    ['/bff/Login', 'P'],
    ['/bff', 'P'],
    ['/', 'P'],
    ['/constructor', 'P'],
    ['/__proto__', 'P'],
  ])('GW-01: calls %s %s', (path, kind) => {
    expect(kindOf(path, frontend)).toBe(kind);
  });
});

describe('faultOfFraming', () => {
  it.each([
    ['POST', '1.1', { 'content-length': '3' }, undefined],
    ['POST', '1.1', { 'transfer-encoding': 'chunked' }, undefined],
    ['POST', '1.1', { 'transfer-encoding': 'Chunked' }, undefined],
    ['POST', '1.0', { 'content-length': '3' }, undefined],
    ['DELETE', '1.1', { 'content-length': '3' }, undefined],
    ['GET', '1.1', {}, undefined],
    ['GET', '1.1', { 'content-length': '0' }, undefined],
    ['GET', '1.0', {}, undefined],
    ['POST', '1.0', { 'transfer-encoding': 'chunked' }, 'transfer-encoding'],
    ['POST', '1.1', { 'transfer-encoding': 'gzip, chunked' }, 'transfer-encoding'],
    ['POST', '1.1', { 'transfer-encoding': 'identity' }, 'transfer-encoding'],
    ['GET', '1.1', { 'content-length': '1' }, 'unexpected-body'],
    ['POST', '1.1', { 'content-length': '9007199254740992' }, 'content-length'],
    ['POST', '1.1', { 'content-length': '9007199254740991' }, undefined],
    ['HEAD', '1.1', { 'transfer-encoding': 'chunked' }, 'unexpected-body'],
    ['OPTIONS', '1.1', { 'content-length': '1' }, 'unexpected-body'],
    ['GET', '0.9', {}, 'http-version'],
    ['GET', '2.0', {}, 'http-version'],
  ])('PX-22: %s of HTTP/%s with %j: %s', (method, httpVersion, headers, fault) => {
    expect(faultOfFraming({ method, httpVersion, headers })).toBe(fault);
  });

  it('PX-22: sees a body by its length or its chunks', () => {
    expect([{}, { 'content-length': '0' }, { 'content-length': '00' }].map(hasBody)).toEqual([false, false, false]);
    expect([{ 'content-length': '1' }, { 'transfer-encoding': 'chunked' }].map(hasBody)).toEqual([true, true]);
  });
});
