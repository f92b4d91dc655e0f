/**
 * The login transaction and its cookies: bound to one browser, one state, one
 * frontend and ten minutes.
 */

import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { LoginCookies } from '../../../src/oidc/login-cookies.ts';
import { LoginKeys } from '../../../src/oidc/login-keys.ts';
import {
  type Attempt,
  attemptOf,
  challengeOf,
  createState,
  hashOf,
  type LoginTransaction,
  nonceOf,
  randomSeed,
  verifierOf,
} from '../../../src/oidc/transaction.ts';

const start = Date.UTC(2026, 2, 1, 12);
const [first, second] = [1, 2].map((byte) => new Secret(Buffer.alloc(32, byte).toString('base64url'))) as [
  Secret,
  Secret,
];

function partsOf({ secrets = [first], frontendId = 'default', publicUrl = 'https://app.example' } = {}) {
  const keys = new LoginKeys({ secrets, frontendId });
  const frontend = createFrontend({ id: frontendId, publicUrl, authBasePath: '', trustedOrigins: [] });
  return { keys, frontendId, cookies: new LoginCookies(frontend, keys) };
}

function transactionFor(state: string, changes: Partial<LoginTransaction> = {}): LoginTransaction {
  return {
    stateHash: hashOf(state),
    seed: randomSeed(),
    startedAt: start,
    issuer: 'https://as.example',
    returnPath: '/orders',
    attempt: 0,
    ...changes,
  };
}

/** The cookies of a browser after the given `Set-Cookie` lines, as the header it sends. */
function headerAfter(lines: readonly string[], before = ''): string {
  const jar = new Map(before === '' ? [] : before.split('; ').map((pair) => pair.split('=', 2) as [string, string]));
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}

describe('state', () => {
  it('LS-04, LS-22: is 55 characters of chance under our mark, and carries the attempt and nothing else', () => {
    const parts = partsOf();
    for (const attempt of [0, 1] as Attempt[]) {
      const state = createState(attempt, parts);

      expect(state).toMatch(/^[01][A-Za-z0-9_-]{54}$/);
      expect(attemptOf(state, parts)).toBe(attempt);
    }
  });

  it('LS-04: never repeats, and neither do nonce, verifier and challenge', () => {
    const parts = partsOf();
    const states = Array.from({ length: 10_000 }, () => createState(0, parts));
    const seeds = Array.from({ length: 10_000 }, () => ({ seed: randomSeed() }));

    expect(new Set(states.map((state) => state.slice(1, 9))).size).toBe(10_000);
    for (const derive of [nonceOf, verifierOf, challengeOf]) expect(new Set(seeds.map(derive)).size).toBe(10_000);
  });

  it('LS-03, LS-05: nonce and verifier are different texts of 43 characters, the same for the same seed', () => {
    const transaction = { seed: randomSeed() };

    for (const derive of [nonceOf, verifierOf, challengeOf]) {
      expect(derive(transaction)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(derive(transaction)).toBe(derive(transaction));
    }
    expect(
      new Set([nonceOf(transaction), verifierOf(transaction), challengeOf(transaction), transaction.seed]).size,
    ).toBe(4);
  });

  it('LS-22: is not ours with any one character changed, cut or added', () => {
    const parts = partsOf();
    const state = createState(0, parts);
    expect(attemptOf(state, parts)).toBe(0);
    for (let at = 0; at < state.length; at++) {
      for (const other of ['0', '1', 'A', 'z', '_']) {
        if (other === state[at]) continue;
        expect(attemptOf(state.slice(0, at) + other + state.slice(at + 1), parts)).toBeUndefined();
      }
    }
    for (const text of ['', state.slice(1), state.slice(0, -1), `${state}A`, ` ${state}`, `${state}\n`, '{"a":1}']) {
      expect(attemptOf(text, parts)).toBeUndefined();
    }
  });

  it('CK-10: stays ours while its secret is in the setting, and is nothing at another frontend', () => {
    const before = partsOf({ secrets: [first] });
    const state = createState(1, before);

    expect(attemptOf(state, partsOf({ secrets: [second, first] }))).toBe(1);
    expect(attemptOf(state, partsOf({ secrets: [second] }))).toBeUndefined();
    expect(attemptOf(state, partsOf({ frontendId: 'other' }))).toBeUndefined();
    before.keys.replace([second]);
    expect(attemptOf(state, before)).toBeUndefined();
  });
});

describe('the cookie of a transaction', () => {
  it('CK-04: is Lax, HttpOnly, Secure, prefixed and gone after ten minutes', () => {
    const { keys, cookies, frontendId } = partsOf();
    const state = createState(0, { keys, frontendId });
    const [line = ''] = cookies.add(transactionFor(state), { header: undefined, now: start });
    const name = `__Host-Http-claimcheck-login-${hashOf(state).slice(0, 8)}`;

    expect(line).toMatch(new RegExp(`^${name}=[A-Za-z0-9_-]+; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure$`));
    expect(line.length).toBeLessThan(1_500);
    expect(cookies.remove(state)).toBe(`${name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure`);
  });

  it('CK-04: loses prefix and Secure on a loopback name only', () => {
    const { cookies } = partsOf({ publicUrl: 'http://localhost:3000' });

    expect(cookies.remove('x')).toMatch(/^claimcheck-login-.{8}=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it('LS-22: brings back what was put in, and shows none of it', () => {
    const { keys, cookies, frontendId } = partsOf();
    const state = createState(1, { keys, frontendId });
    const transaction = transactionFor(state, {
      attempt: 1,
      returnPath: '/wärme?x=1',
      previous: { sessionId: 'session', person: 'person' },
      prompt: 'login',
      maxAge: 0,
      acrValues: 'urn:mfa',
    });
    const header = headerAfter(cookies.add(transaction, { header: undefined, now: start }));

    expect(cookies.find(header, { state, now: start + 599_000 })).toEqual(transaction);
    const bytes = Buffer.from(header.split('=')[1] ?? '', 'base64url').toString('latin1');
    for (const secret of [
      transaction.seed,
      nonceOf(transaction),
      verifierOf(transaction),
      'orders',
      'urn:mfa',
      state,
    ]) {
      expect(header + bytes).not.toContain(secret);
    }
  });

  it('LS-28: is nothing after ten minutes', () => {
    const { keys, cookies, frontendId } = partsOf();
    const state = createState(0, { keys, frontendId });
    const header = headerAfter(cookies.add(transactionFor(state), { header: undefined, now: start }));

    expect(cookies.find(header, { state, now: start + 600_000 })).toBeUndefined();
    expect(cookies.find(header, { state, now: start - 600_000 })).toBeUndefined();
    expect(cookies.find(header, { state, now: start })).toBeDefined();
  });

  it('LS-22: does not open under another state, frontend or secret, or with one byte changed', () => {
    const { keys, cookies, frontendId } = partsOf();
    const [one, two] = [createState(0, { keys, frontendId }), createState(0, { keys, frontendId })];
    const header = headerAfter([
      ...cookies.add(transactionFor(one), { header: undefined, now: start }),
      ...cookies.add(transactionFor(two), { header: undefined, now: start }),
    ]);
    const [left = '', right = ''] = header.split('; ');
    const swapped = `${left.split('=')[0]}=${right.split('=')[1]}; ${right.split('=')[0]}=${left.split('=')[1]}`;

    for (const state of [one, two]) {
      expect(cookies.find(header, { state, now: start })?.stateHash).toBe(hashOf(state));
      expect(cookies.find(swapped, { state, now: start })).toBeUndefined();
      expect(partsOf({ frontendId: 'other' }).cookies.find(header, { state, now: start })).toBeUndefined();
      expect(partsOf({ secrets: [second] }).cookies.find(header, { state, now: start })).toBeUndefined();
      expect(partsOf({ secrets: [second, first] }).cookies.find(header, { state, now: start })).toBeDefined();
    }
    const [name = '', value = ''] = left.split('=');
    for (let at = 0; at < value.length; at++) {
      const changed = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1);
      expect(cookies.find(`${name}=${changed}`, { state: one, now: start })).toBeUndefined();
    }
  });

  it('LS-22: is of its state alone, though only a part of the hash names it', () => {
    const { keys, cookies, frontendId } = partsOf();
    const state = createState(0, { keys, frontendId });
    const stateHash = `${hashOf(state).slice(0, 8)}${'x'.repeat(35)}`;
    const header = headerAfter(cookies.add(transactionFor(state, { stateHash }), { header: undefined, now: start }));

    expect(header).toContain(hashOf(state).slice(0, 8));
    expect(cookies.find(header, { state, now: start })).toBeUndefined();
  });

  it('CK-06: is nobody’s when its name comes twice, in either order', () => {
    const { keys, cookies, frontendId } = partsOf();
    const state = createState(0, { keys, frontendId });
    const header = headerAfter(cookies.add(transactionFor(state), { header: undefined, now: start }));
    const [name = ''] = header.split('=');

    expect(cookies.find(header, { state, now: start })).toBeDefined();
    expect(cookies.find(`${header}; ${name}=evil`, { state, now: start })).toBeUndefined();
    expect(cookies.find(`${name}=evil; ${header}`, { state, now: start })).toBeUndefined();
    expect(cookies.find(header.replace(name, name.toUpperCase()), { state, now: start })).toBeUndefined();
  });

  it('CK-09: odd headers never throw', () => {
    const { keys, cookies, frontendId } = partsOf();
    const state = createState(0, { keys, frontendId });
    const name = `__Host-Http-claimcheck-login-${hashOf(state).slice(0, 8)}`;
    const odd = [
      '',
      ';',
      '=',
      '==;=',
      'a',
      `${name}`,
      `${name}=`,
      `${name}=A`,
      `${name}=${'A'.repeat(9_000)}`,
      `${name}=%zz`,
      '\u0000=\u0001',
      `${name}="x"`,
      '__proto__=1',
      `; ;${name}=é`,
    ];
    for (const header of odd) {
      expect(cookies.find(header, { state, now: start })).toBeUndefined();
      expect(cookies.starts(header)).toBeUndefined();
      expect(cookies.add(transactionFor(state), { header, now: start }).length).toBeGreaterThan(0);
    }
  });
});

describe('many starts in one browser', () => {
  it('LS-28: leave the four newest pending, whatever their order in the header', () => {
    const { keys, cookies, frontendId } = partsOf();
    const states = Array.from({ length: 9 }, () => createState(0, { keys, frontendId }));
    let header = '';
    for (const [index, state] of states.entries()) {
      const startedAt = start + index * 1_000;
      const lines = cookies.add(transactionFor(state, { startedAt }), { header, now: startedAt });
      header = headerAfter(lines, header).split('; ').reverse().join('; ');
    }
    const alive = states.filter((state) => cookies.find(header, { state, now: start + 9_000 }) !== undefined);

    expect(header.split('; ')).toHaveLength(4);
    expect(alive).toEqual(states.slice(5));
  });

  it('LS-28: take away what is dead or foreign first, and touch no other cookie', () => {
    const { keys, cookies, frontendId } = partsOf();
    const dead = createState(0, { keys, frontendId });
    const [line = ''] = cookies.add(transactionFor(dead, { startedAt: start - 700_000 }), { header: '', now: start });
    const planted = ['AAAAAAAA', 'BBBBBBBB', 'CCCCCCCC'].map((suffix) => `__Host-Http-claimcheck-login-${suffix}=x`);
    const header = [...planted, headerAfter([line]), 'other=1', '__Host-Http-claimcheck-login-long-name=1'].join('; ');
    const state = createState(0, { keys, frontendId });
    const after = headerAfter(cookies.add(transactionFor(state), { header, now: start }), header);

    expect(after.split('; ').filter((pair) => pair.includes('login'))).toHaveLength(5);
    expect(after).toContain('other=1');
    expect(cookies.find(after, { state, now: start })).toBeDefined();
  });

  it('LS-28: cost little, however many cookies are sent', () => {
    const { keys, cookies, frontendId } = partsOf();
    const header = Array.from(
      { length: 400 },
      (_, index) => `__Host-Http-claimcheck-login-${String(index).padStart(8, '0')}=x`,
    ).join('; ');
    const lines = cookies.add(transactionFor(createState(0, { keys, frontendId })), { header, now: start });

    expect(lines.length).toBeLessThanOrEqual(1 + 32);
  });
});
