import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomToken } from '../../../src/base/random.ts';
import { ProblemError } from '../../../src/errors.ts';
import { SessionCookie } from '../../../src/session/cookie.ts';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import { SessionTooLargeError } from '../../../src/session/payload.ts';
import { SignInOvertakenError } from '../../../src/session/sign-in.ts';
import { ManualClock } from '../../support/clock.ts';
import { beginningAt, lifetimes, newKeySecret, type SessionsAt, sessionsAt, tokensAt } from './sessions-at.ts';

let clock: ManualClock;
let store: MemorySessionStore;
let at: SessionsAt;

beforeEach(() => {
  clock = new ManualClock();
  store = new MemorySessionStore({ clock });
  at = sessionsAt({ store, clock });
});

afterEach(() => store.close());

const minute = 60_000;
const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('opening a session', () => {
  it('gives who is signed in and their tokens', async () => {
    const { session, cookie } = await at.signIn();
    const request = at.request(cookie);

    const opened = await at.sessions.open(request);

    expect(opened.session).toEqual(session);
    expect(opened.session).toMatchObject({
      subject: 'subject-of-alice',
      identity: beginningAt(clock.now()).identity,
      tokens: tokensAt(clock.now()),
      csrfSecret: expect.stringMatching(/^[\w-]{43}$/),
      createdAt: clock.now(),
      expiresAt: clock.now() + lifetimes.lifetimeMs,
      seenAt: clock.now(),
    });
    expect(request.record.session).toBe(session.id);
  });

  it('PX-19: refuses a stranger with 401 and the way to sign in', async () => {
    const request = at.request(undefined);

    const failure = await failureOf(at.sessions.open(request));

    expect(failure).toBeInstanceOf(ProblemError);
    expect(failure).toMatchObject({
      code: 'session-ended',
      extras: {
        members: { login_url: '/login' },
        headers: { 'WWW-Authenticate': 'Cookie realm="claimcheck", form-action="/login"' },
      },
    });
    expect(request.record).toMatchObject({ session: undefined, detail: 'session: no-cookie' });
  });

  it('CK-08: asks the store nothing for a forged cookie, and once for one of ours', async () => {
    const { session, cookie } = await at.signIn();
    const asked: string[] = [];
    const read = store.read.bind(store);
    store.read = (id) => {
      asked.push(id);
      return read(id);
    };
    const others = sessionsAt({ store, clock });
    const forged = others.request(cookie);

    expect(await failureOf(others.sessions.open(forged))).toMatchObject({ code: 'session-ended' });
    expect(forged.record.detail).toBe('session: forged');
    expect(asked).toEqual([]);
    await at.sessions.open(at.request(cookie));
    expect(asked).toEqual([session.id]);
  });

  it('CK-08: does not adopt a signed secret that the store does not know', async () => {
    const { session, cookie } = await at.signIn();
    await store.end(session.id, 'signed-out');
    const request = at.request(cookie);

    expect(await failureOf(at.sessions.open(request))).toMatchObject({ code: 'session-ended' });
    expect(request.record.detail).toBe('session: unknown');
    expect(await store.read(session.id)).toBeUndefined();
  });

  it('SE-13: is an outage when the store is away, and nobody is signed out by it', async () => {
    const { cookie } = await at.signIn();
    const away = () => Promise.reject(new ProblemError('store-unavailable'));
    const read = store.read.bind(store);
    store.read = away;

    expect(await failureOf(at.sessions.open(at.request(cookie)))).toMatchObject({ code: 'store-unavailable' });
    expect(await failureOf(at.sessions.look(at.request(cookie)))).toMatchObject({ code: 'store-unavailable' });
    store.read = read;
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();
  });

  it('keeps the secret and its seal out of every print', async () => {
    const { session, secret } = await at.signIn();

    expect(JSON.stringify(session)).not.toContain(secret);
    expect(Object.keys(session)).not.toContain('seal');
  });
});

describe('the idle timeout', () => {
  it('SE-04: ends a session at its instant, in the store too, with its reason', async () => {
    const { session, cookie } = await at.signIn();
    await clock.advance(lifetimes.idleTimeoutMs - 1);
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();

    await clock.advance(1);

    // Held by nothing but our clock: the store would have kept it.
    await store.touch(session.id, { seenAt: session.seenAt, expiresAt: clock.now() + minute });
    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
  });

  it('SE-04: is enforced by our clock where the store would keep a session', async () => {
    const { session, cookie } = await at.signIn();
    await store.touch(session.id, { seenAt: session.seenAt, expiresAt: clock.now() + lifetimes.lifetimeMs });
    await clock.advance(lifetimes.idleTimeoutMs);
    const request = at.request(cookie);

    expect(await failureOf(at.sessions.open(request))).toMatchObject({ code: 'session-ended' });
    expect(request.record.detail).toBe('session: idle');
    expect(await store.read(session.id)).toBeUndefined();
    expect(at.reports.lines).toEqual([`ended ${session.id} subject-of-alice idle`]);
  });

  it('SE-04: is moved by activity, noted at most once in a tenth of it', async () => {
    const { session, cookie } = await at.signIn();
    const seen = async () => (await store.read(session.id))?.seenAt;
    await clock.advance(3 * minute - 1);
    await at.sessions.open(at.request(cookie));
    await clock.advance(0);
    expect(await seen()).toBe(session.seenAt);

    await clock.advance(1);
    await at.sessions.open(at.request(cookie));
    await clock.advance(0);
    expect(await seen()).toBe(session.seenAt + 3 * minute);

    await clock.advance(lifetimes.idleTimeoutMs - 1);
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();
    await clock.advance(1);
    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
  });

  it('SE-06: is not moved by looking', async () => {
    const { session, cookie } = await at.signIn();
    await clock.advance(10 * minute);

    await at.sessions.look(at.request(cookie));
    await clock.advance(0);

    expect((await store.read(session.id))?.seenAt).toBe(session.seenAt);
  });

  it('is noted without the request waiting for it, once for many requests, and a failure is told', async () => {
    const { session, cookie } = await at.signIn();
    await clock.advance(10 * minute);
    const pending: ((failure: Error) => void)[] = [];
    store.touch = () => new Promise((_resolve, reject) => pending.push(reject));

    await Promise.all([at.sessions.open(at.request(cookie)), at.sessions.open(at.request(cookie))]);

    expect(pending).toHaveLength(1);
    pending[0]?.(new ProblemError('store-unavailable'));
    await clock.advance(0);
    expect(at.reports.lines).toEqual([`trouble ${session.id} activity could not be noted`]);
  });
});

describe('the end in any case', () => {
  it('SE-05: comes whatever the activity', async () => {
    const { session, cookie } = await at.signIn();
    for (let passed = 20 * minute; passed < lifetimes.lifetimeMs; passed += 20 * minute) {
      await clock.advance(20 * minute);
      await at.sessions.open(at.request(cookie));
      await clock.advance(0);
    }
    expect((await store.read(session.id))?.seenAt).toBe(clock.now());
    await clock.advance(20 * minute);
    const request = at.request(cookie);

    expect(clock.now()).toBe(session.expiresAt);
    expect(await failureOf(at.sessions.open(request))).toMatchObject({ code: 'session-ended' });
  });

  it('TS-08: is the end of the refresh token where that comes first', async () => {
    const refreshExpiresAt = clock.now() + 10 * minute;
    const { session, cookie } = await at.signIn({ tokens: tokensAt(clock.now(), { refreshExpiresAt }) });
    expect(session.expiresAt).toBe(refreshExpiresAt);
    await clock.advance(10 * minute - 1);
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();

    await clock.advance(1);

    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
    expect(await store.read(session.id)).toBeUndefined();
    expect(at.reports.lines).toEqual([`ended ${session.id} subject-of-alice lifetime`]);
  });

  it('TS-08: moves with a refresh token that lives longer, and the store keeps the session for it', async () => {
    const { session, cookie } = await at.signIn({
      tokens: tokensAt(clock.now(), { refreshExpiresAt: clock.now() + 10 * minute }),
    });
    const claim = { owner: 'me', until: clock.now() + minute };
    await at.sessions.beginSpending(session, claim);

    const saved = await at.sessions.saveTokens(
      session,
      claim,
      tokensAt(clock.now(), { refreshExpiresAt: clock.now() + 20 * minute }),
    );

    expect(saved?.expiresAt).toBe(clock.now() + 20 * minute);
    await clock.advance(15 * minute);
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();
  });

  it('is the end of the access token where there is no refresh token, in the store too', async () => {
    const { session, cookie } = await at.signIn({ tokens: tokensAt(clock.now(), { refreshToken: undefined }) });
    expect(session.expiresAt).toBe(clock.now() + 5 * minute);

    await clock.advance(5 * minute);

    expect(await store.read(session.id)).toBeUndefined();
    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
  });
});

describe('beginning a session', () => {
  it('SE-03: gives a card with a public handle that is not the cookie, and says little', async () => {
    const { session, secret } = await at.signIn();

    expect(session.card).toEqual({
      handle: expect.stringMatching(/^[\w-]{22}$/),
      createdAt: clock.now(),
      agent: 'Firefox on Linux',
      address: '192.0.2.0',
    });
    expect(session.card.handle).not.toBe(secret);
    expect(await at.sessions.look(at.request(session.card.handle))).toBeUndefined();
    expect(await at.sessions.lookById(session.id)).toEqual({ id: session.id, card: session.card, seenAt: clock.now() });
    expect(await at.sessions.lookById(randomToken(256))).toBeUndefined();
  });

  it('refuses what is too large, with the reason, and keeps nothing of it', async () => {
    const { identity } = beginningAt(clock.now());
    const failure = await failureOf(at.signIn({ identity: { ...identity, claims: { x: 'x'.repeat(70_000) } } }));

    expect(failure).toBeInstanceOf(SessionTooLargeError);
    expect(await at.sessions.endAllOf(alice, { notBefore: 0, reason: 'revoked' })).toBe(0);
  });

  it('takes a secret once', async () => {
    const secret = randomToken(256);
    const first = await at.sessions.start(secret, beginningAt(clock.now()));

    expect(await failureOf(at.sessions.start(secret, beginningAt(clock.now())))).toBeInstanceOf(Error);
    expect(await at.sessions.reread(first)).toEqual(first);
  });

  it('takes no secret of another form', async () => {
    const begin = (secret: string) => failureOf(at.sessions.start(secret, beginningAt(clock.now())));

    expect(await begin('short')).toBeInstanceOf(Error);
    expect(await begin(`${randomToken(256)}A`)).toBeInstanceOf(Error);
    expect(await begin(randomToken(256))).toBeUndefined();
  });

  it('LO-12: is refused when the person was signed out after that sign-in', async () => {
    await at.sessions.endAllOf(alice, { notBefore: clock.now(), reason: 'back-channel' });

    const refused = await failureOf(at.signIn({ issuedAt: clock.now() - 1 }));

    expect(refused).toBeInstanceOf(SignInOvertakenError);
    expect(await at.signIn({ issuedAt: clock.now() })).toBeDefined();
  });

  it('LO-12: is undone when the person is signed out between announcing and creating it', async () => {
    const create = store.create.bind(store);
    let created = '';
    store.create = async (session) => {
      created = session.id;
      await at.sessions.endAllOf(alice, { notBefore: clock.now() + 1, reason: 'back-channel' });
      return create(session);
    };

    expect(await failureOf(at.signIn())).toBeInstanceOf(SignInOvertakenError);
    expect(created).not.toBe('');
    expect(await store.read(created)).toBeUndefined();
  });

  it('LO-12: that the person’s sign-out does not concern is still found by the next, though it was not there yet at the first', async () => {
    const create = store.create.bind(store);
    const bar = (notBefore: number) => at.sessions.endAllOf(alice, { notBefore, reason: 'back-channel' });
    store.create = async (session) => [await bar(clock.now()), await create(session)][1] === true;
    const { cookie } = await at.signIn({ issuedAt: clock.now() });
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();
    expect(await bar(clock.now() + 1)).toBe(1);
    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
  });
});

const alice = { index: 'sub', issuer: 'https://issuer.example', value: 'subject-of-alice' } as const;

describe('ending sessions', () => {
  it('LO-01, TS-11: of one: gone at once, out of the index, and told', async () => {
    const { session, cookie } = await at.signIn();

    expect(await at.sessions.end(session, 'signed-out')).toBe(true);

    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
    expect(await at.sessions.end(session, 'signed-out')).toBe(false);
    expect(at.reports.lines).toEqual([`ended ${session.id} subject-of-alice signed-out`]);
    expect(await at.sessions.endAllOf(alice, { notBefore: 0, reason: 'revoked' })).toBe(0);
  });

  it('still ends a session whose place in the index cannot be cleaned', async () => {
    const { session } = await at.signIn();
    store.removeFromIndex = () => Promise.reject(new ProblemError('store-unavailable'));

    expect(await at.sessions.end(session, 'signed-out')).toBe(true);
    expect(at.reports.lines).toContain(`trouble ${session.id} an ended session is still in the index`);
  });

  it('is not done while the store is away', async () => {
    const { session, cookie } = await at.signIn();
    const end = store.end.bind(store);
    store.end = () => Promise.reject(new ProblemError('store-unavailable'));

    expect(await failureOf(at.sessions.end(session, 'signed-out'))).toMatchObject({ code: 'store-unavailable' });
    expect(at.reports.lines).toEqual([]);
    store.end = end;
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();
  });

  it("LO-12: of a person: all of theirs, nobody else's", async () => {
    const alices = [await at.signIn(), await at.signIn(), await at.signIn()];
    const { identity } = beginningAt(clock.now());
    const bob = await at.signIn({ identity: { ...identity, subject: 'subject-of-bob', sid: 'provider-session-2' } });
    const twin = await at.signIn({ identity: { ...identity, issuer: 'https://other.example' } });

    expect(await at.sessions.endAllOf(alice, { notBefore: clock.now(), reason: 'back-channel' })).toBe(3);

    for (const { cookie } of alices) expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
    expect(await at.sessions.look(at.request(bob.cookie))).toBeDefined();
    expect(await at.sessions.look(at.request(twin.cookie))).toBeDefined();
  });

  it('LO-11, LO-13, LO-18: of a session at the provider: that one, within its issuer; an unknown one is none', async () => {
    const { identity } = beginningAt(clock.now());
    const first = await at.signIn();
    const second = await at.signIn({ identity: { ...identity, sid: 'provider-session-2' } });
    const end = (issuer: string, value: string) =>
      at.sessions.endAllOf({ index: 'sid', issuer, value }, { notBefore: clock.now(), reason: 'back-channel' });

    expect(await end('https://other.example', 'provider-session-1')).toBe(0);
    expect(await end(identity.issuer, 'provider-session-9')).toBe(0);
    expect(await end(identity.issuer, 'provider-session-1')).toBe(1);

    expect(await at.sessions.look(at.request(first.cookie))).toBeUndefined();
    expect(await at.sessions.look(at.request(second.cookie))).toBeDefined();
  });

  it('LO-12: of a person can be asked again when it failed half-way', async () => {
    const alices = [await at.signIn(), await at.signIn()];
    const end = store.end.bind(store);
    store.end = () => Promise.reject(new ProblemError('store-unavailable'));
    const bar = () => at.sessions.endAllOf(alice, { notBefore: clock.now(), reason: 'back-channel' });
    expect(await failureOf(bar())).toMatchObject({ code: 'store-unavailable' });
    store.end = end;

    expect(await bar()).toBe(2);
    for (const { cookie } of alices) expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
  });

  it('ends what a browser had before by its name alone', async () => {
    const { session } = await at.signIn();

    expect(await at.sessions.endPrevious(session.id)).toBe(true);
    expect(at.reports.lines).toEqual([`ended ${session.id} undefined replaced`]);
    expect(await at.sessions.endPrevious(session.id)).toBe(false);
  });
});

describe('writing to an opened session', () => {
  it('saves new tokens under the claim, sealed, without the cookie', async () => {
    const { session, cookie } = await at.signIn();
    const claim = { owner: 'me', until: clock.now() + minute };
    const tokens = tokensAt(clock.now(), { refreshToken: 'second', rotates: true });
    expect(await at.sessions.beginSpending(session, claim)).toBe('begun');
    expect(await at.sessions.look(at.request(cookie))).toMatchObject({ spending: claim });
    expect(await at.sessions.extendSpending(session, { ...claim, until: claim.until + 1 })).toBe(true);

    const saved = await at.sessions.saveTokens(session, claim, tokens);

    expect(saved).toMatchObject({ tokens, tokensVersion: 2, spending: undefined, version: 1 });
    expect(await at.sessions.look(at.request(cookie))).toEqual(saved);
    expect(await at.sessions.saveTokens(session, claim, tokens)).toMatchObject({ tokensVersion: 2 });
    expect(await at.sessions.saveTokens(session, { ...claim, owner: 'other' }, tokens)).toBeUndefined();
    expect(await at.sessions.beginSpending(session, claim)).toBe('changed');
  });

  it('gives a claim back', async () => {
    const { session } = await at.signIn();
    const claim = { owner: 'me', until: clock.now() + minute };
    await at.sessions.beginSpending(session, claim);

    expect(await at.sessions.abandonSpending(session, claim)).toBe(true);
    expect(await at.sessions.beginSpending(session, { ...claim, owner: 'other' })).toBe('begun');
  });

  it('rereads what another wrote, and that it is gone', async () => {
    const { session } = await at.signIn();
    const claim = { owner: 'me', until: clock.now() + minute };
    await at.sessions.beginSpending(session, claim);
    await at.sessions.saveTokens(session, claim, tokensAt(clock.now(), { refreshToken: 'second' }));

    expect((await at.sessions.reread(session))?.tokens.refreshToken).toBe('second');
    await at.sessions.end(session, 'signed-out');
    expect(await at.sessions.reread(session)).toBeUndefined();
  });

  it('takes other claims of the same person, and never another person', async () => {
    const { session, cookie } = await at.signIn();
    const identity = { ...session.identity, claims: { name: 'Alice B.' } };

    const replaced = await at.sessions.replaceIdentity(session, identity);

    expect(replaced).toMatchObject({ identity, version: 2, expiresAt: session.expiresAt });
    expect(await at.sessions.look(at.request(cookie))).toEqual(replaced);
    expect(await at.sessions.replaceIdentity(session, { ...identity, claims: {} })).toBeUndefined();
    const mallory = { ...identity, subject: 'mallory' };
    expect(await failureOf(at.sessions.replaceIdentity(session, mallory))).toBeInstanceOf(Error);
  });

  it('refuses a session that it did not open', async () => {
    const { session } = await at.signIn();
    const copy = { ...session };

    expect(await failureOf(at.sessions.reread(copy))).toMatchObject({ message: expect.stringContaining('not opened') });
  });

  it('CB-20: marks a value as used, by its hash', async () => {
    const seen: string[] = [];
    const useOnce = store.useOnce.bind(store);
    store.useOnce = (kind, hash, claim) => {
      seen.push(hash);
      return useOnce(kind, hash, claim);
    };

    expect(await at.sessions.claimOnce('state', 'the state', { id: 'a', ttlMs: minute })).toBe(true);
    expect(await at.sessions.claimOnce('state', 'the state', { id: 'b', ttlMs: minute })).toBe(false);
    expect(seen[0]).toMatch(/^[\w-]{43}$/);
  });
});

describe('a rotation of SESSION_SECRETS', () => {
  const [k1, k2] = [newKeySecret(), newKeySecret()];
  const withKeys = (...secrets: readonly ReturnType<typeof newKeySecret>[]) => sessionsAt({ store, clock, secrets });

  it('TS-06, CK-10: signs nobody out, seals on use what it finds, and lets go of the rest', async () => {
    const before = withKeys(k1);
    const [used, unused] = [await before.signIn(), await before.signIn()];

    const during = withKeys(k2, k1);
    const opened = await during.sessions.look(during.request(used.cookie));
    expect(opened).toMatchObject({ subject: 'subject-of-alice', version: 1 });
    await clock.advance(0);
    const renewed = during.sessions.renewedCookie(during.request(used.cookie));
    const value = /^__Host-Http-claimcheck=([^;]+); Path=\/; HttpOnly; Secure; SameSite=Strict$/.exec(
      renewed ?? '',
    )?.[1];

    const after = withKeys(k2);
    expect(await after.sessions.look(after.request(value))).toMatchObject({ subject: 'subject-of-alice' });
    expect(after.sessions.renewedCookie(after.request(value))).toBeUndefined();
    expect(await after.sessions.look(after.request(used.cookie))).toBeUndefined();
    expect(await after.sessions.look(after.request(unused.cookie))).toBeUndefined();
    expect(during.reports.lines).toEqual([]);
  });

  it('TS-06: lets nobody in where the cookie is of the new key and the record of one that is gone', async () => {
    const { secret, session } = await withKeys(k1).signIn();
    const after = withKeys(k2);
    const cookie = new SessionCookie(after).valueFor(secret);
    const request = after.request(cookie);

    expect(await failureOf(after.sessions.open(request))).toMatchObject({ code: 'session-ended' });
    expect(request.record.detail).toBe('session: unreadable');
    expect(after.reports.lines).toEqual([`unreadable ${session.id} session unknown-key`]);
    const own = await after.signIn();
    expect(await after.sessions.look(after.request(own.cookie))).toBeDefined();
  });

  it('LO-12: indexes a session under the new key, so that it is found when the old one is gone', async () => {
    const { cookie } = await withKeys(k1).signIn();
    const during = withKeys(k2, k1);
    await during.sessions.look(during.request(cookie));
    await clock.advance(0);

    expect(await withKeys(k2).sessions.endAllOf(alice, { notBefore: 0, reason: 'back-channel' })).toBe(1);
  });

  it('LO-12: is found by every instance, though two have the keys in different orders and both seal it anew', async () => {
    const [behind, ahead] = [withKeys(k1, k2), withKeys(k2, k1)];
    const { cookie, session } = await ahead.signIn();
    const claim = { owner: 'me', until: clock.now() + minute };
    await behind.sessions.beginSpending(session, claim);
    const opened = await behind.sessions.lookById(session.id).then(() => behind.sessions.reread(session));
    await behind.sessions.saveTokens(opened ?? session, claim, tokensAt(clock.now(), { refreshToken: 'second' }));

    // One part of it is of either key now, so each instance wants to put it under its own.
    await Promise.all([behind, ahead].map((at) => at.sessions.look(at.request(cookie))));
    await clock.advance(0);

    expect(await withKeys(k2).sessions.endAllOf(alice, { notBefore: 0, reason: 'back-channel' })).toBe(1);
  });

  it('LO-12: finds a session under the old key as long as that is there', async () => {
    const { cookie } = await withKeys(k1).signIn();
    const during = withKeys(k2, k1);

    expect(await during.sessions.endAllOf(alice, { notBefore: 0, reason: 'back-channel' })).toBe(1);
    expect(await during.sessions.look(during.request(cookie))).toBeUndefined();
  });

  it('LO-12: ends a session that is moved after its person was signed out', async () => {
    const before = withKeys(k1);
    const { cookie, session } = await before.signIn();
    const during = withKeys(k2, k1);
    // The new key's index was barred by another instance before this one knew of the session.
    await withKeys(k2).sessions.endAllOf(alice, { notBefore: clock.now() + 1, reason: 'back-channel' });

    await during.sessions.look(during.request(cookie));
    await clock.advance(0);

    expect(await store.read(session.id)).toBeUndefined();
    expect(during.reports.lines).toEqual([`ended ${session.id} subject-of-alice back-channel`]);
  });

  it('LO-12: counts a sign-out against a sign-in under way, though the keys were exchanged in between', async () => {
    await withKeys(k1).sessions.endAllOf(alice, { notBefore: clock.now(), reason: 'back-channel' });
    const during = withKeys(k2, k1);

    expect(await failureOf(during.signIn({ issuedAt: clock.now() - 1 }))).toBeInstanceOf(SignInOvertakenError);
    expect(await during.signIn({ issuedAt: clock.now() })).toBeDefined();
  });

  it('TS-06: tells for each session opened by a request which position the keys have', async () => {
    const { cookie } = await withKeys(k1).signIn();
    const during = withKeys(k2, k1);
    await during.sessions.look(during.request(cookie));
    await clock.advance(0);
    await during.sessions.look(during.request(cookie));
    const own = await during.signIn();
    await during.sessions.look(during.request(own.cookie));
    await during.sessions.look(during.request('s:forged'));

    expect(during.reports.keyUses).toEqual(['older older', 'older active', 'active active']);
  });

  it('TS-06: seals what a claim stands on without breaking the claim', async () => {
    const { cookie, secret, session } = await withKeys(k1).signIn();
    const claim = { owner: 'me', until: clock.now() + minute };
    await withKeys(k1).sessions.beginSpending(session, claim);
    const during = withKeys(k2, k1);
    await during.sessions.look(during.request(cookie));
    await clock.advance(0);
    const tokens = tokensAt(clock.now(), { refreshToken: 'second' });

    expect(await withKeys(k1).sessions.saveTokens(session, claim, tokens)).toMatchObject({ tokensVersion: 2 });
    expect(await during.sessions.look(during.request(cookie))).toMatchObject({ tokens });
    await clock.advance(0);
    expect(await withKeys(k2).sessions.lookBySecret(secret)).toMatchObject({ tokens, tokensVersion: 2 });
  });

  it('works in place, for a reload of the settings', async () => {
    const { cookie } = await at.signIn();
    const [first] = at.keys.entries;
    at.keys.replace([k2]);

    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
    const fresh = await at.signIn();
    expect(await at.sessions.look(at.request(fresh.cookie))).toBeDefined();
    expect(at.keys.active).not.toBe(first);
  });
});
