import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import { OwnSessions } from '../../../src/session/own-sessions.ts';
import { ManualClock } from '../../support/clock.ts';
import { beginningAt, lifetimes, newKeySecret, type SessionsAt, sessionsAt } from './sessions-at.ts';

const minute = 60_000;

let clock: ManualClock;
let store: MemorySessionStore;

beforeEach(() => {
  clock = new ManualClock();
  store = new MemorySessionStore({ clock });
});

afterEach(() => store.close());

const ownAt = ({ sessions, keys }: SessionsAt, changed = lifetimes) =>
  new OwnSessions({ store, keys, sessions, lifetimes: changed, clock });

function identityOf(changes: { readonly subject?: string; readonly issuer?: string }) {
  return { identity: { ...beginningAt(clock.now()).identity, ...changes } };
}

describe('the sessions of a person', () => {
  it('LO-28: are those of the same subject at the same issuer, the one used last first', async () => {
    const at = sessionsAt({ store, clock });
    const first = await at.signIn();
    await clock.advance(minute);
    const second = await at.signIn();
    await at.signIn(identityOf({ subject: 'subject-of-bob' }));
    await at.signIn(identityOf({ issuer: 'https://other.example' }));
    await clock.advance(5 * minute);
    await at.sessions.open(at.request(first.cookie));
    await clock.advance(0);

    const list = await ownAt(at).list(second.session);

    expect(list.map(({ id }) => id)).toEqual([first.session.id, second.session.id]);
    expect(list.map(({ seenAt }) => clock.now() - seenAt)).toEqual([0, 5 * minute]);
  });

  it('SE-04: are not those that nobody used for longer than is allowed now', async () => {
    const at = sessionsAt({ store, clock });
    const old = await at.signIn();
    await clock.advance(15 * minute);
    const { session } = await at.signIn();

    const shortened = ownAt(at, { ...lifetimes, idleTimeoutMs: 10 * minute });

    expect((await shortened.list(session)).map(({ id }) => id)).toEqual([session.id]);
    expect(await shortened.end(session, old.session.card.handle)).toBe(false);
    expect((await ownAt(at).list(session)).map(({ id }) => id)).toEqual([session.id, old.session.id]);
  });

  it('TS-06: are shown once and ended whole in the midst of a rotation of keys', async () => {
    const [older, newer] = [newKeySecret(), newKeySecret()];
    const before = sessionsAt({ store, clock, secrets: [older] });
    const during = sessionsAt({ store, clock, secrets: [newer, older] });
    const old = await before.signIn();
    const { session } = await during.signIn();
    const own = ownAt(during);
    expect((await own.list(session)).map(({ id }) => id).sort()).toEqual([old.session.id, session.id].sort());

    await during.sessions.look(during.request(old.cookie)); // sealed anew, and moved in the index
    await clock.advance(0);

    expect(await own.list(session)).toHaveLength(2);
    expect(await own.end(session, old.session.card.handle)).toBe(true);
    expect(await store.read(old.session.id)).toBeUndefined();
    expect(await own.list(session)).toHaveLength(1);
  });

  it('LO-28: end with their place in the index, and only once', async () => {
    const at = sessionsAt({ store, clock });
    const { session } = await at.signIn();
    const other = await at.signIn();
    const removed: string[] = [];
    const removeFromIndex = store.removeFromIndex.bind(store);
    store.removeFromIndex = (entry) => {
      removed.push(entry.id);
      return removeFromIndex(entry);
    };

    expect(await ownAt(at).end(session, other.session.card.handle)).toBe(true);
    expect(await ownAt(at).end(session, other.session.card.handle)).toBe(false);

    expect(removed).toEqual([other.session.id]);
    expect(at.reports.lines).toEqual([`ended ${other.session.id} undefined revoked`]);
  });

  it('LO-28: all end but one, also such as cannot be shown', async () => {
    const [gone, present] = [newKeySecret(), newKeySecret()];
    const at = sessionsAt({ store, clock, secrets: [present] });
    const { session } = await at.signIn();
    const other = await at.signIn();
    const unreadable = await at.signIn();
    const read = await store.read(unreadable.session.id);
    const foreign = await sessionsAt({ store: new MemorySessionStore({ clock }), clock, secrets: [gone] }).signIn();
    if (read === undefined) throw new Error('it lives');
    await store.reseal({
      id: unreadable.session.id,
      record: { version: read.version, sealed: read.sealed },
      tokens: { version: read.tokens.version, sealed: read.tokens.sealed },
      card: Buffer.from(foreign.session.id),
    });
    const own = ownAt(at);
    expect((await own.list(session)).map(({ id }) => id).sort()).toEqual([session.id, other.session.id].sort());

    expect(await own.endOthers(session)).toBe(2);

    expect(await store.read(unreadable.session.id)).toBeUndefined();
    expect((await own.list(session)).map(({ id }) => id)).toEqual([session.id]);
    expect(await own.endOthers(session)).toBe(0);
  });
});
