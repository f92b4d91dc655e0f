import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCard,
  decodeRecord,
  decodeTokens,
  encodeCard,
  encodeRecord,
  encodeTokens,
  partLimits,
  type SealedRecord,
  SessionTooLargeError,
} from '../../../src/session/payload.ts';
import type { SessionTokens } from '../../../src/session/session.ts';

const record: SealedRecord = {
  identity: {
    issuer: 'https://issuer.example',
    subject: 'alice',
    sid: 'sid-1',
    claims: { name: 'Alice', groups: ['a', 'b'], nested: { ok: true } },
    authTime: 1_000,
    acr: 'urn:mfa',
  },
  csrfSecret: 'c'.repeat(43),
  createdAt: 1,
  expiresAt: 2,
  issuedAt: 3,
};
const tokens: SessionTokens = {
  refreshToken: 'refresh',
  refreshExpiresAt: 9,
  rotates: true,
  sets: {
    '': { accessToken: 'a', expiresAt: 1, issuedAt: 0, scope: ['openid', 'x'] },
    'https://b.example': { accessToken: 'b', expiresAt: undefined, issuedAt: 0, scope: [] },
  },
};
const card = { handle: 'h', createdAt: 1, agent: 'Firefox on Linux', address: '192.0.2.0' };

describe('what is sealed', () => {
  it('is read as it was written', () => {
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
    expect(decodeTokens(encodeTokens(tokens))).toEqual(tokens);
    expect(decodeCard(encodeCard(card))).toEqual(card);
  });

  it('is read as it was written where nothing was told', () => {
    const bare = { ...record, identity: { ...record.identity, sid: undefined, authTime: undefined, acr: undefined } };
    const none: SessionTokens = { refreshToken: undefined, refreshExpiresAt: undefined, rotates: undefined, sets: {} };

    expect(decodeRecord(encodeRecord(bare))).toEqual(bare);
    expect(decodeTokens(encodeTokens(none))).toEqual(none);
    expect(decodeTokens(encodeTokens({ ...none, rotates: false }))).toEqual({ ...none, rotates: false });
  });

  it('keeps a claim or an audience of any name as its own', () => {
    const odd = JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": 1}') as Record<string, unknown>; // own members
    const read = decodeRecord(encodeRecord({ ...record, identity: { ...record.identity, claims: odd } }));

    expect(Object.keys(read?.identity.claims ?? {})).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it.each([
    ['no JSON', 'x'],
    ['no list', '{}'],
    ['another form', '[2]'],
    ['an empty list', '[]'],
    ['too little', '[1,["i","s",null,{},null,null]]'],
    ['wrong types', '[1,["i",7,null,{},null,null],"c",1,2,3]'],
    ['claims that are no object', '[1,["i","s",null,[],null,null],"c",1,2,3]'],
    ['a token set without a token', '[1,"r",null,null,[["",null,null,0,[]]]]'],
    ['a scope that is no list of words', '[1,"r",null,null,[["","a",null,0,[1]]]]'],
    ['null', 'null'],
  ])('is nothing with %s', (_case, text) => {
    const bytes = Buffer.from(text);

    expect([decodeRecord(bytes), decodeTokens(bytes), decodeCard(bytes)]).toEqual([undefined, undefined, undefined]);
  });

  it('never throws, whatever was sealed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((json) => `[1,${json}]`),
        ),
        (text) => {
          for (const decode of [decodeRecord, decodeTokens, decodeCard]) decode(Buffer.from(text));
        },
      ),
      { numRuns: 2_000 },
    );
    expect(decodeRecord(encodeRecord(record))).toEqual(record);
  });

  it('has a limit, and says which part and what to do', () => {
    const claims = (length: number) => ({
      ...record,
      identity: { ...record.identity, claims: { x: 'x'.repeat(length) } },
    });
    const room = partLimits.session - encodeRecord(claims(0)).length;

    expect(encodeRecord(claims(room))).toHaveLength(64 * 1024);
    expect(() => encodeRecord(claims(room + 1))).toThrow(SessionTooLargeError);
    expect(() => encodeRecord(claims(room + 1))).toThrow(
      /^the session part of a session has 65537 bytes.*USER_CLAIMS$/,
    );
    const large = { ...tokens, refreshToken: 'x'.repeat(partLimits.tokens) };
    expect(() => encodeTokens(large)).toThrow(/^the tokens part of a session has \d+ bytes, more than 262144/);
  });
});
