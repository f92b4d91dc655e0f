import { describe, expect, it } from 'vitest';
import { type CrossOriginPolicy, checkCrossOrigin, checkUpgradeOrigin } from '../../../src/guards/cross-origin.ts';

const self = 'https://app.example';
const partner = 'https://partner.example';
const policy: CrossOriginPolicy = { selfOrigin: self, anyPort: false, trustedOrigins: new Set([partner]) };

describe('checkCrossOrigin', () => {
  //  what is sent                          answer            method    Sec-Fetch-Site  Origin
  it.each([
    ['a read of our page', 'allowed', 'GET', 'same-origin', undefined],
    ['an address that was typed', 'allowed', 'GET', 'none', undefined],
    ['a read by an old browser', 'allowed', 'GET', undefined, undefined],
    ['a read from another site', 'cross-origin', 'GET', 'cross-site', 'https://evil.test'],
    ['an image on another site', 'cross-origin', 'GET', 'cross-site', undefined],
    ['an image on a sibling', 'cross-origin', 'GET', 'same-site', undefined],
    ['a read from a trusted partner', 'allowed', 'GET', 'same-site', partner],
    ['our page', 'allowed', 'POST', 'same-origin', self],
    ['our page, without Origin', 'allowed', 'POST', 'same-origin', undefined],
    ['our form without referrer', 'allowed', 'POST', 'same-origin', 'null'],
    ['our page in an old browser', 'allowed', 'POST', undefined, self],
    ['a value that no browser knows', 'allowed', 'POST', 'banana', self],
    ['the same with another origin', 'cross-origin', 'POST', 'banana', 'https://evil.test'],
    ['the same without origin', 'origin-unknown', 'POST', 'banana', undefined],
    ['a trusted partner', 'allowed', 'DELETE', 'same-site', partner],
    ['another site', 'cross-origin', 'POST', 'cross-site', 'https://evil.test'],
    ['a sibling subdomain', 'cross-origin', 'POST', 'same-site', 'https://x.example'],
    ['another site in an old browser', 'cross-origin', 'PUT', undefined, 'https://evil.test'],
    ['a sandboxed frame', 'cross-origin', 'POST', 'cross-site', 'null'],
    ['our origin behind a lying header', 'cross-origin', 'POST', 'cross-site', self],
    ['another origin that says it is ours', 'cross-origin', 'POST', 'same-origin', 'https://evil.test'],
    ['our host over plain http', 'cross-origin', 'POST', undefined, 'http://app.example'],
    ['our host on another port', 'cross-origin', 'POST', undefined, 'https://app.example:8443'],
    ['our host with a final dot', 'cross-origin', 'POST', undefined, 'https://app.example.'],
    ['our host in capitals', 'cross-origin', 'POST', undefined, 'https://APP.example'],
    ['a longer name that begins as ours', 'cross-origin', 'POST', undefined, 'https://app.example.evil.com'],
    ['a longer name that ends as ours', 'cross-origin', 'POST', undefined, 'https://evilapp.example'],
    ['two origins', 'cross-origin', 'POST', undefined, `${self}, https://evil.test`],
    ['a form no page sent', 'cross-origin', 'POST', 'none', undefined],
    ['a method nobody knows', 'cross-origin', 'PURGE', 'cross-site', 'https://evil.test'],
    ['neither header', 'origin-unknown', 'POST', undefined, undefined],
  ])('CF-04, CF-05, CF-06, CF-07, CF-09: %s: %s', (_case, answer, method, fetchSite, origin) => {
    const decision = checkCrossOrigin({ method, fetchSite, origin, fetchDest: undefined }, policy);

    expect(decision.allowed ? 'allowed' : decision.reason).toBe(answer);
  });

  //  destination     answer          Sec-Fetch-Site
  it.each([
    ['empty', 'allowed', 'same-origin'],
    ['document', 'allowed', 'same-origin'],
    ['document', 'allowed', 'none'],
    ['image', 'allowed', 'same-origin'],
    ['audio', 'allowed', 'same-origin'],
    ['video', 'allowed', 'same-origin'],
    ['image', 'cross-origin', 'cross-site'],
    ['image', 'cross-origin', 'none'],
    ['script', 'cross-origin', 'same-origin'],
    ['style', 'cross-origin', 'same-origin'],
    ['iframe', 'cross-origin', 'same-origin'],
    ['object', 'cross-origin', 'same-origin'],
    ['embed', 'cross-origin', 'same-origin'],
    ['serviceworker', 'cross-origin', 'same-origin'],
  ])('CF-14: shown as %s: %s when the site is %s', (fetchDest, answer, fetchSite) => {
    const decision = checkCrossOrigin({ method: 'GET', fetchSite, fetchDest, origin: undefined }, policy);

    expect(decision.allowed ? 'allowed' : decision.reason).toBe(answer);
  });

  it('accepts our own page under another port on a loopback name only', () => {
    const local: CrossOriginPolicy = { selfOrigin: 'http://localhost:3000', anyPort: true, trustedOrigins: new Set() };
    const request = { method: 'POST', fetchSite: 'same-origin', fetchDest: 'empty', origin: 'http://localhost:8080' };

    expect(checkCrossOrigin(request, local).allowed).toBe(true);
    expect(checkCrossOrigin({ ...request, origin: 'http://127.0.0.1:3000' }, local).allowed).toBe(false);
    expect(checkCrossOrigin(request, { ...local, anyPort: false }).allowed).toBe(false);
  });
});

describe('checkUpgradeOrigin', () => {
  it.each([
    ['our page', 'allowed', self],
    ['a trusted partner', 'allowed', partner],
    ['another site', 'cross-origin', 'https://evil.test'],
    ['a sandboxed frame', 'cross-origin', 'null'],
    ['no origin', 'origin-unknown', undefined],
  ])('CF-17: %s: %s', (_case, answer, origin) => {
    const decision = checkUpgradeOrigin({ origin, fetchMode: undefined }, policy);

    expect(decision.allowed ? 'allowed' : decision.reason).toBe(answer);
  });

  it.each([
    ['allowed', 'websocket'],
    ['allowed', 'a-mode-of-the-future'],
    ['cross-origin', 'cors'],
    ['cross-origin', 'navigate'],
    ['cross-origin', 'no-cors'],
  ])('CF-17: %s when the browser says the mode %s', (answer, fetchMode) => {
    const decision = checkUpgradeOrigin({ origin: self, fetchMode }, policy);

    expect(decision.allowed ? 'allowed' : decision.reason).toBe(answer);
  });
});
