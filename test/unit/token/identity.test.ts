import { describe, expect, it } from 'vitest';
import { isSamePerson, renewedIdentity } from '../../../src/token/identity.ts';

const identity = {
  issuer: 'https://op.example',
  subject: 'alice',
  sid: 's-1',
  claims: { name: 'Alice', groups: ['a', 'b'], picture: 'https://p.example/1' },
  authTime: 1_000,
  acr: 'gold',
};
const listed = ['name', 'email', 'picture', 'groups'];

function idToken(claims: object) {
  return { iss: 'https://op.example', sub: 'alice', iat: 2, ...claims };
}

describe('isSamePerson', () => {
  it.each([
    ['the same', true, {}],
    ['RF-08: another subject', false, { sub: 'bob' }],
    ['RF-08: another issuer', false, { iss: 'https://other.example' }],
  ])('%s: %s', (_case, answer, claims) => {
    expect(isSamePerson(identity, idToken(claims))).toBe(answer);
  });
});

describe('renewedIdentity', () => {
  it('takes listed claims that changed or are new, and leaves the rest as it was at the sign-in', () => {
    const renewed = renewedIdentity(identity, {
      idToken: idToken({ name: 'Alicia', email: 'a@example.test', acr: 'silver', sid: 's-2', auth_time: 9 }),
      listed,
    });

    expect(renewed).toEqual({
      ...identity,
      claims: { name: 'Alicia', email: 'a@example.test', groups: ['a', 'b'], picture: 'https://p.example/1' },
    });
  });

  it('SE-02: takes nothing that is not listed', () => {
    expect(
      renewedIdentity(identity, { idToken: idToken({ phone_number: '1', amr: ['pwd'] }), listed }),
    ).toBeUndefined();
  });

  it('sees no change in the same value', () => {
    expect(
      renewedIdentity(identity, { idToken: idToken({ groups: ['a', 'b'], name: 'Alice' }), listed }),
    ).toBeUndefined();
    expect(renewedIdentity(identity, { idToken: idToken({ groups: ['b', 'a'] }), listed })?.claims['groups']).toEqual([
      'b',
      'a',
    ]);
  });

  it('takes no claim that an object has by itself', () => {
    expect(renewedIdentity(identity, { idToken: idToken({}), listed: ['toString', 'constructor'] })).toBeUndefined();
  });
});
