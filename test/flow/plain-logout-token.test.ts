import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogoutTokenOptions } from '../support/hostile/logout.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let lenient: Twins;

beforeAll(async () => {
  lenient = await startTwins({ env: { BACKCHANNEL_LOGOUT_STRICT: 'false' } });
});

afterAll(() => lenient.close());

beforeEach(() => {
  lenient.hostile.reset();
  lenient.clock.advance(11_000);
});

const deliver = (token: LogoutTokenOptions | string) => lenient.hostile.deliverLogoutToken(lenient.backChannel, token);
const seconds = () => Math.floor(lenient.clock.now() / 1000);

/** As older authorization servers send it. */
const plain = { claims: { exp: undefined }, jose: { header: { typ: undefined } } } as const;

describe('a logout token without exp and typ, where BACKCHANNEL_LOGOUT_STRICT is false', () => {
  //  the type                        how the token differs
  const taken: readonly [string, LogoutTokenOptions][] = [
    ['no typ and no exp', plain],
    ['typ JWT', { jose: { header: { typ: 'JWT' } } }],
    ['all of it', {}],
  ];

  it.each(taken)('LO-14: with %s it signs out', async (_what, changes) => {
    const { browser, sid } = await lenient.signIn();

    expect((await deliver({ sid, ...changes })).status).toBe(200);

    expect(await lenient.isSignedIn(browser)).toBe(false);
    expect(await lenient.isSignedIn(browser, lenient.second)).toBe(false);
  });

  //  what is wrong                     how the token differs
  const refused: readonly [string, () => LogoutTokenOptions][] = [
    ['an exp that has passed', () => ({ ...plain, claims: { exp: seconds() - 60 } })],
    ['an exp that is a text', () => ({ ...plain, claims: { exp: String(seconds() + 60) } })],
    ['an iat three minutes ago', () => ({ ...plain, claims: { exp: undefined, iat: seconds() - 180 } })],
    ['a nonce, as an ID token has it', () => ({ ...plain, claims: { exp: undefined, nonce: 'n' } })],
    ['no events', () => ({ ...plain, claims: { exp: undefined, events: undefined } })],
    ['no jti', () => ({ ...plain, claims: { exp: undefined, jti: undefined } })],
    ['another audience', () => ({ ...plain, claims: { exp: undefined, aud: 'somebody-else' } })],
    ['typ at+jwt', () => ({ jose: { header: { typ: 'at+jwt' } } })],
    ['typ secevent+jwt', () => ({ jose: { header: { typ: 'secevent+jwt' } } })],
    ['a forged signature', () => ({ ...plain, jose: { header: { typ: undefined }, key: 'attacker' } })],
  ];

  it.each(refused)('LO-14, LO-15: with %s it is still refused', async (_what, changes) => {
    const { browser, sid } = await lenient.signIn();

    expect((await deliver({ sid, ...changes() })).status).toBe(400);
    expect(await lenient.isSignedIn(browser)).toBe(true);

    expect((await deliver({ sid, ...plain })).status).toBe(200);
    expect(await lenient.isSignedIn(browser)).toBe(false);
  });

  it('LO-15: an ID token is none, whatever its type', async () => {
    const { browser, sid } = await lenient.signIn();

    expect((await deliver([...lenient.hostile.issued.idTokens].at(-1) ?? '')).status).toBe(400);

    expect(await lenient.isSignedIn(browser)).toBe(true);
    expect((await deliver({ sid, ...plain })).status).toBe(200);
  });

  it('LO-16: is used once, and does not end a later session', async () => {
    await lenient.signIn('dave');
    const token = lenient.hostile.logoutToken({ sub: 'dave', ...plain });
    expect((await deliver(token)).status).toBe(200);
    const after = await lenient.signIn('dave');

    expect((await deliver(token)).status).toBe(400);

    expect(await lenient.isSignedIn(after.browser)).toBe(true);
  });
});
