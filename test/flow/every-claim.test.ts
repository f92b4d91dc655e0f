/**
 * Every claim of an ID token that decides something, in every wrong form: nobody is
 * signed in by it, and a sign-in without the fault works. What may be so is listed.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '../../src/oidc/provider.ts';
import { repeatMember, repeatMemberFirst } from '../support/hostile/json.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { providerFor, refusalOf, signIn } from '../unit/oidc/provider-flow.ts';
import { type Arrange, claims, jose, shifted } from '../unit/oidc/token-faults.ts';

let hostile: HostileProvider;
let provider: Provider;

beforeAll(async () => {
  hostile = await startHostileProvider();
  ({ provider } = providerFor(hostile));
  await provider.start();
});

beforeEach(() => hostile.reset());

afterAll(async () => {
  await provider.close();
  await hostile.close();
});

const asked = { maxAge: 3_600, acrValues: 'high' };
const names = ['iss', 'aud', 'azp', 'sub', 'exp', 'iat', 'nbf', 'nonce', 'auth_time', 'acr', 'at_hash'] as const;

/** Forms that no claim may have, unless they are listed below. */
const forms: readonly (readonly [form: string, of: (name: string) => Arrange])[] = [
  ['missing', (name) => claims({ [name]: undefined })],
  ['another text', (name) => claims({ [name]: 'another' })],
  ['empty', (name) => claims({ [name]: '' })],
  ['null', (name) => claims({ [name]: null })],
  ['true', (name) => claims({ [name]: true })],
  ['a negative number', (name) => claims({ [name]: -7 })],
  ['an empty list', (name) => claims({ [name]: [] })],
  ['a list of another', (name) => claims({ [name]: ['another'] })],
  ['a list in a list', (name) => claims({ [name]: [['another']] })],
  ['an object', (name) => claims({ [name]: { another: 1 } })],
  ['huge', (name) => claims({ [name]: 'x'.repeat(8_000) })],
  ['there twice', (name) => jose({ payloadText: repeatMember(name, 'another') })],
  ['there twice, the honest one last', (name) => jose({ payloadText: repeatMemberFirst(name, 'another') })],
  ['of two hours ago', (name) => shifted(name, -7_200)],
  ['of two hours ahead', (name) => shifted(name, 7_200)],
];

/** What OpenID Connect lets be so. */
const legal: ReadonlySet<string> = new Set([
  ...['azp missing', 'nbf missing', 'at_hash missing'],
  'sub another text', // whoever it names is signed in
  'nbf of two hours ago',
  'exp of two hours ahead',
]);

const rows = names.flatMap((name) => forms.map(([form, of]) => [name, form, of(name)] as const));

describe('an ID token', () => {
  it('IT-01 to IT-09: is looked at in each claim and form', () => {
    expect(rows).toHaveLength(names.length * forms.length);
    expect(rows.filter(([name, form]) => legal.has(`${name} ${form}`))).toHaveLength(legal.size);
  });

  it.each(rows)('whose %s is %s is judged as it should be', async (name, form, arrange) => {
    arrange(hostile.script, hostile);
    if (legal.has(`${name} ${form}`)) {
      expect((await signIn(provider, asked)).tokens.accessToken).not.toBe('');
      return;
    }
    const { kind, reason, tokensToRevoke } = await refusalOf(signIn(provider, asked));
    expect(kind).toBe('invalid');
    expect(reason).toMatch(/^[a-z0-9_-]+$/);
    expect(tokensToRevoke.length).toBeGreaterThan(0);
    hostile.reset();
    expect((await signIn(provider, asked)).idToken?.sub).toBe('alice');
  });
});
