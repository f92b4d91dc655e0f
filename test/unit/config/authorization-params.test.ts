import { describe, expect, it } from 'vitest';
import { readAuthorizationParams } from '../../../src/config/authorization-params.ts';

const parametersIn = (text: string) => {
  const read = readAuthorizationParams(text);
  return 'value' in read ? read.value : undefined;
};

describe('parameters of a provider', () => {
  it.each([
    ['', {}],
    ['access_type=offline prompt=consent', { access_type: 'offline', prompt: 'consent' }],
    ['  hd=example.com   ', { hd: 'example.com' }],
    ['prompt=login%20consent', { prompt: 'login consent' }],
    ['kc_idp_hint=a%26b%3Dc', { kc_idp_hint: 'a&b=c' }],
    ['display=page ui_locales=de-CH', { display: 'page', ui_locales: 'de-CH' }],
  ])('LS-10: are taken: %s', (text, value) => {
    expect(parametersIn(text)).toEqual(value);
  });

  it.each([
    ...['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'state', 'nonce', 'code_challenge'],
    ...['code_challenge_method', 'request', 'request_uri', 'login_hint', 'acr_values', 'max_age', 'claims', 'resource'],
    ...['audience', 'id_token_hint', 'dpop_jkt', 'registration', 'authorization_details', 'client_assertion'],
  ])('LS-10: cannot be %s, in any spelling', (name) => {
    expect(parametersIn(`access_type=offline ${name}=x`)).toBeUndefined();
    expect(parametersIn(`${name.toUpperCase()}=x`)).toBeUndefined();
  });

  it.each([
    ...['access_type', '=offline', 'access_type=', 'a=b=c', 'a=1 a=2', 'a=1 A=2', 'a=%', 'a=%zz', 'a=%00', 'a=b&c=d'],
    ...['a="b"', 'ä=1', 'a=ä', 'a=%ff', 'prompt=none', 'prompt=login%20none', 'PROMPT=login', 'a=1\tb=2', 'a=1\nb=2'],
    Array.from({ length: 11 }, (_, at) => `p${at}=1`).join(' '),
    `a=${'x'.repeat(513)}`,
  ])('are refused where they can be read in two ways, or would keep everybody out: %s', (text) => {
    expect(parametersIn(text)).toBeUndefined();
  });
});
