import { describe, expect, it } from 'vitest';
import { codeOf } from '../../../src/errors.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { authenticate, type ClearedRequest, clear, type InboundRequest } from '../../../src/http/inbound.ts';
import { Csrf } from '../../../src/stages/csrf.ts';

const frontend = createFrontend({
  id: 'main',
  publicUrl: 'https://app.example',
  authBasePath: '',
  trustedOrigins: ['https://partner.app.example'],
});

// Only what the check may look at: anything else it read would be undefined here.
function request(facts: Partial<InboundRequest>): ClearedRequest {
  return clear({ kind: 'I', method: 'GET', headers: {}, frontend, search: '', ...facts } as InboundRequest);
}

const token = new Csrf({ mode: 'token' });
const header = new Csrf({ mode: 'header' });
const alice = { id: 'a', subject: 'alice', csrfSecret: token.newSecret() };
const bob = { id: 'b', subject: 'bob', csrfSecret: token.newSecret() };

function outcome(csrf: Csrf, facts: Partial<InboundRequest>, session = alice): string {
  try {
    csrf.check(authenticate(request(facts), session));
    return 'passed';
  } catch (error) {
    return codeOf(error);
  }
}

const refused = 'csrf-token-invalid';
const unsafeMethods = ['POST', 'PUT', 'PATCH', 'DELETE'];

describe('CSRF_MODE=token', () => {
  it.each(unsafeMethods)('CF-01: %s passes with the token of its session, and not without', (method) => {
    const headers = { 'x-csrf-token': String(token.tokenFor(alice)) };

    expect(outcome(token, { method, headers })).toBe('passed');
    expect(outcome(token, { method })).toBe(refused);
  });

  it.each(['GET', 'HEAD'])('lets %s pass without one', (method) => {
    expect(outcome(token, { method })).toBe('passed');
  });

  it('CF-11: refuses the token of another session', () => {
    const headers = { 'x-csrf-token': String(token.tokenFor(bob)) };

    expect(outcome(token, { method: 'POST', headers })).toBe(refused);
    expect(outcome(token, { method: 'POST', headers }, bob)).toBe('passed');
  });

  it('CF-11: refuses the token of the session before the sign-in', () => {
    const before = { ...alice, csrfSecret: token.newSecret() };

    expect(outcome(token, { method: 'POST', headers: { 'x-csrf-token': String(token.tokenFor(before)) } })).toBe(
      refused,
    );
  });

  it('CF-03, CF-11: reads no token from query, cookie, body or any other header', () => {
    const good = String(token.tokenFor(alice));
    const elsewhere: Partial<InboundRequest>[] = [
      { search: `?_csrf=${good}` },
      { headers: { cookie: `_csrf=${good}; x-csrf-token=${good}` } },
      { headers: { 'csrf-token': good } },
      { headers: { 'xsrf-token': good } },
      { headers: { 'x-xsrf-token': good } },
      { body: { _csrf: good }, query: { _csrf: good } } as object, // where Express would put what was parsed
    ];

    expect(elsewhere.map((facts) => outcome(token, { method: 'POST', ...facts }))).toEqual(
      elsewhere.map(() => refused),
    );
    expect(outcome(token, { method: 'POST', headers: { 'x-csrf-token': good } })).toBe('passed');
  });

  it('CF-11: refuses a token that was cut, changed, doubled or made up', () => {
    const good = String(token.tokenFor(alice));
    const [salt, digest = ''] = good.split(/-(.*)/s);
    const bad = [
      '',
      '-',
      salt ?? '',
      good.slice(0, -1),
      `${good}A`,
      `${good}, ${good}`,
      `x${good}`,
      `-${digest}`,
      `${salt}-`,
      alice.csrfSecret,
      `${salt}-${digest.toLowerCase()}`,
    ];

    expect(bad.map((value) => outcome(token, { method: 'POST', headers: { 'x-csrf-token': value } }))).toEqual(
      bad.map(() => refused),
    );
  });

  it('gives another token each time, all of them good', () => {
    const tokens = Array.from({ length: 20 }, () => String(token.tokenFor(alice)));

    expect(new Set(tokens).size).toBe(20);
    expect(tokens.map((value) => outcome(token, { method: 'POST', headers: { 'x-csrf-token': value } }))).toEqual(
      tokens.map(() => 'passed'),
    );
  });

  it('fails closed for a session without a secret, and gives it none', () => {
    const without = { id: 'c', subject: 'carol', csrfSecret: '' };

    expect(outcome(token, { method: 'POST' }, without)).not.toBe('passed');
    expect(() => token.tokenFor(without)).toThrow();
    expect(without.csrfSecret).toBe('');
  });

  it('makes secrets of 256 bits', () => {
    expect(Buffer.from(token.newSecret(), 'base64url')).toHaveLength(32);
    expect(token.newSecret()).not.toBe(token.newSecret());
  });
});

describe('CSRF_MODE=header', () => {
  const proven = { 'x-csrf': '1' };

  it.each(['GET', 'HEAD', ...unsafeMethods])('CF-02: demands X-CSRF: 1 of an API call with %s', (method) => {
    expect(outcome(header, { method, headers: proven })).toBe('passed');
    expect(outcome(header, { method })).toBe(refused);
  });

  it.each(['0', '', '2', '1, 1', ' 1', 'true', '01'])('CF-02: refuses the value "%s"', (value) => {
    expect(outcome(header, { headers: { 'x-csrf': value } })).toBe(refused);
  });

  it('does not take a token for the header', () => {
    expect(outcome(header, { method: 'POST', headers: { 'x-csrf-token': String(token.tokenFor(alice)) } })).toBe(
      refused,
    );
  });

  const stream = { accept: 'text/event-stream' };
  //  case                                         answer    facts
  it.each<[string, string, Partial<InboundRequest>]>([
    ['a reading auth route', 'passed', { kind: 'A' }],
    ['a writing auth route', refused, { kind: 'A', method: 'POST' }],
    ['an upgrade', 'passed', { kind: 'U' }],
    ['an EventSource of our page', 'passed', { headers: stream, fetchSite: 'same-origin' }],
    ['an EventSource of a trusted page', 'passed', { headers: stream, origin: 'https://partner.app.example' }],
    ['an EventSource of a sibling', refused, { headers: stream, fetchSite: 'same-site' }],
    ['an EventSource of nobody knows whom', refused, { headers: stream }],
    ['an EventSource of a foreign page', refused, { headers: stream, origin: 'https://evil.test' }],
    ['a stream asked for with POST', refused, { headers: stream, fetchSite: 'same-origin', method: 'POST' }],
    [
      'a stream among other things',
      refused,
      { headers: { accept: 'text/event-stream, */*' }, fetchSite: 'same-origin' },
    ],
  ])('CF-02: %s: %s', (_case, answer, facts) => {
    expect(outcome(header, facts)).toBe(answer);
  });

  it('has no token for the page', () => {
    expect(header.tokenFor(alice)).toBeNull();
  });
});
