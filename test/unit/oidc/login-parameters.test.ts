/**
 * What may be said when a sign-in is started, and who may start one.
 */

import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../../src/errors.ts';
import { isReauthentication, loginParametersFrom } from '../../../src/oidc/login-parameters.ts';
import { checkStart, isSpeculative, purposeOf, type StartRequestFacts } from '../../../src/oidc/login-start.ts';

describe('loginParametersFrom', () => {
  it('LS-10: reads what is allowed and ignores the rest', () => {
    const search =
      '?return_to=/x&prompt=login%20consent&login_hint=ann@example.test&ui_locales=fr-CA%20en&acr_values=urn:mfa%20urn:pwd' +
      '&max_age=300&client_id=x&redirect_uri=https://evil.test&scope=admin&response_mode=fragment&request_uri=urn:x&x=1&x=2';

    expect(loginParametersFrom(search)).toEqual({
      returnTo: '/x',
      attempt: 0,
      prompt: 'login consent',
      loginHint: 'ann@example.test',
      uiLocales: 'fr-CA en',
      acrValues: 'urn:mfa urn:pwd',
      maxAge: 300,
    });
  });

  it('LS-10: nothing said is nothing asked, also when a parameter has no value (RFC 6749, 3.1)', () => {
    const nothing = {
      returnTo: '',
      attempt: 0,
      prompt: undefined,
      loginHint: undefined,
      uiLocales: undefined,
      acrValues: undefined,
      maxAge: undefined,
    };

    expect(loginParametersFrom('')).toEqual(nothing);
    expect(loginParametersFrom('?return_to=&prompt=&login_hint=&ui_locales=&acr_values=&max_age=&attempt=')).toEqual(
      nothing,
    );
    expect(isReauthentication(loginParametersFrom('?login_hint=a&ui_locales=fr'))).toBe(false);
  });

  it.each(['?prompt=none', '?prompt=login', '?acr_values=a', '?max_age=0'])(
    'LS-25: %s asks for the person again',
    (search) => {
      expect(isReauthentication(loginParametersFrom(search))).toBe(true);
    },
  );

  it('CB-02: a retry is told by a 1 and nothing else', () => {
    expect(loginParametersFrom('?attempt=1').attempt).toBe(1);
    for (const value of ['0', '2', '01', 'x']) expect(loginParametersFrom(`?attempt=${value}`).attempt).toBe(0);
  });

  it.each([
    'prompt=create',
    'prompt=none%20login',
    'prompt=login%20login',
    'prompt=login%20',
    'prompt=LOGIN',
    'prompt=login%2Cconsent',
    'prompt=login%0aconsent',
    `login_hint=${'a'.repeat(257)}`,
    'login_hint=a%00b',
    'login_hint=a%0d%0ab',
    'login_hint=%ff',
    'login_hint=a%E2%80%AEb',
    'ui_locales=fr_CA',
    'ui_locales=fr;q=1',
    'ui_locales=abcdefghi',
    `ui_locales=${Array(11).fill('fr').join('+')}`,
    'acr_values=a"b',
    'acr_values=a%5cb',
    'acr_values=%C3%A9',
    'acr_values=a++b',
    `acr_values=${'a'.repeat(257)}`,
    `acr_values=${Array(11).fill('a').join('+')}`,
    'max_age=-1',
    'max_age=abc',
    'max_age=1.5',
    'max_age=1e3',
    'max_age=+1',
    'max_age=0x10',
    'max_age=%201',
    'max_age=1000000000',
    'max_age=1&max_age=1',
    'acr_values=a&acr_values=b',
    'return_to=/a&return_to=/b',
    'prompt=login&prompt=login',
    'login_hint=a&login_hint=',
    'ui_locales=fr&ui_locales=en',
    'attempt=1&attempt=1',
    'max_age=&max_age=',
  ])('LS-10: ?%s is refused', (search) => {
    expect(() => loginParametersFrom(`?${search}`)).toThrow(ProblemError);
    expect(() => loginParametersFrom(`?${search}`)).toThrow('parameter-invalid');
  });
});

describe('checkStart', () => {
  const policy = { selfOrigin: 'https://app.example', trustedOrigins: new Set(['https://partner.example']) };
  const nothing: StartRequestFacts = {
    fetchSite: undefined,
    fetchMode: undefined,
    fetchDest: undefined,
    origin: undefined,
    accept: undefined,
    purpose: undefined,
  };
  const json = { fetchDest: 'empty', fetchMode: 'cors', fetchSite: 'same-origin', accept: 'application/json' };

  it.each<[string, Partial<StartRequestFacts>, string]>([
    ['a link of our page', { fetchDest: 'document', fetchMode: 'navigate', fetchSite: 'same-origin' }, 'redirect'],
    ['a link of another site', { fetchDest: 'document', fetchMode: 'navigate', fetchSite: 'cross-site' }, 'redirect'],
    ['a typed address', { fetchDest: 'document', fetchMode: 'navigate', fetchSite: 'none' }, 'redirect'],
    ['an old browser', {}, 'redirect'],
    ['an old browser that accepts JSON', { accept: 'application/json' }, 'redirect'],
    ['our page’s script', json, 'json'],
    ['our page’s script, with its origin', { ...json, origin: 'https://app.example' }, 'json'],
    ['a partner’s script', { ...json, fetchSite: 'cross-site', origin: 'https://partner.example' }, 'json'],
    ['our page’s script without a word on JSON', { ...json, accept: '*/*' }, 'refused'],
    ['a script of another site', { ...json, fetchSite: 'cross-site', origin: 'https://evil.test' }, 'refused'],
    ['a script of another site without origin', { ...json, fetchSite: 'cross-site' }, 'refused'],
    ['a script of a sibling', { ...json, fetchSite: 'same-site', origin: 'https://x.example' }, 'refused'],
    ['a lying script', { ...json, fetchSite: 'cross-site', origin: 'https://app.example' }, 'refused'],
    ['a sandboxed script', { ...json, fetchSite: 'cross-site', origin: 'null' }, 'refused'],
    ['a frame of our page', { fetchDest: 'iframe', fetchMode: 'navigate', fetchSite: 'same-origin' }, 'refused'],
    ['a frame of another site', { fetchDest: 'iframe', fetchMode: 'navigate', fetchSite: 'cross-site' }, 'refused'],
    ['an old frame', { fetchDest: 'frame', fetchMode: 'navigate' }, 'refused'],
    ['an object', { fetchDest: 'object', fetchMode: 'navigate' }, 'refused'],
    ['an image', { fetchDest: 'image', fetchMode: 'no-cors', fetchSite: 'cross-site' }, 'refused'],
    ['a script tag', { fetchDest: 'script', fetchMode: 'no-cors', fetchSite: 'same-origin' }, 'refused'],
    ['half of the metadata', { fetchSite: 'cross-site' }, 'refused'],
    ['the other half', { fetchMode: 'navigate' }, 'refused'],
    ['an unknown destination', { fetchDest: 'webidentity', fetchMode: 'no-cors' }, 'refused'],
    ['a prefetch', { fetchDest: 'document', fetchMode: 'navigate', purpose: 'prefetch' }, 'refused'],
    ['a prerender', { fetchDest: 'document', fetchMode: 'navigate', purpose: 'prefetch;prerender' }, 'refused'],
  ])('LS-23: %s: %s', (_case, facts, expected) => {
    const decision = checkStart({ ...nothing, ...facts }, policy);

    expect(decision.allowed ? decision.form : 'refused').toBe(expected);
    if (!decision.allowed) expect(decision.reason).toBe('not-a-navigation');
  });

  it.each(['sec-purpose', 'purpose', 'x-purpose', 'x-moz'])('CB-12: what %s says of a prefetch is heard', (name) => {
    expect(isSpeculative(purposeOf({ [name]: 'Prefetch' }))).toBe(true);
    expect(isSpeculative(purposeOf({ [name]: 'preview' }))).toBe(true);
    expect(isSpeculative(purposeOf({ accept: 'prefetch' }))).toBe(false);
  });
});
