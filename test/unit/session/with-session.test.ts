/**
 * What becomes of the calls of a session that ends.
 *
 * @module
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuthorizedRequest } from '../../../src/http/inbound.ts';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import { SessionWatch } from '../../../src/session/session-watch.ts';
import { withSession } from '../../../src/session/with-session.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { type Hop, type HopOptions, startHop } from '../../support/hop.ts';
import { openRaw, rawRequest } from '../../support/raw.ts';
import { echo, startUpstream, type Upstream } from '../../support/upstream.ts';
import { lifetimes, type SessionsAt, sessionsAt } from './sessions-at.ts';

const get = (path: string) => `GET /api/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

let clock: ManualClock;
let store: MemorySessionStore;
let at: SessionsAt;
let watch: SessionWatch;
let upstream: Upstream;
let hop: Hop;
/** Whose session the calls are; their paths say it. */
let sessions: Readonly<Record<string, OpenedSession>>;

beforeEach(async () => {
  clock = new ManualClock();
  store = new MemorySessionStore({ clock });
  at = sessionsAt({ store, clock });
  watch = new SessionWatch({ store, sessions: at.sessions, reports: at.reports, lifetimes, clock });
  sessions = { alice: (await at.signIn()).session, bob: (await at.signIn()).session };
  upstream = await startUpstream();
  const around: HopOptions['around'] = (authorized, forward) =>
    withSession(ofPerson(authorized), forward, { watch, clock });
  hop = await startHop(upstream.origin, { around, limits: { connections: 1, mostConnections: 1 } });
});

afterEach(async () => {
  watch.close();
  await hop.close();
  await upstream.stop();
  await store.close();
});

function sessionOf(name: string): OpenedSession {
  const session = sessions[name];
  if (session === undefined) throw new Error(`nobody is called ${name}`);
  return session;
}

function ofPerson(authorized: AuthorizedRequest): AuthorizedRequest {
  return { ...authorized, session: sessionOf(authorized.request.path.split('/').at(-1) ?? '') };
}

const waiting = () => hop.upstreams.at(upstream.origin).load.waiting;

/** Has the upstream answer nothing until the returned function is called. */
function holdAnswers(): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  upstream.script = async (request) => {
    await held;
    return echo(request);
  };
  return release;
}

describe('withSession', () => {
  it('LO-26: sends no call whose session ended while it waited, and says so; others go on', async () => {
    const release = holdAnswers();
    const clients = [await openRaw(hop.port), await openRaw(hop.port), await openRaw(hop.port)];
    const [first, ofAlice, ofBob] = clients;
    first?.write(get('1/bob'));
    await eventually(() => upstream.requests.length === 1);
    ofAlice?.write(get('2/alice'));
    await eventually(() => waiting() === 1);
    ofBob?.write(get('3/bob'));
    await eventually(() => waiting() === 2);

    await at.sessions.end(sessionOf('alice'), 'signed-out');
    const refused = await ofAlice?.waitFor(({ final }) => final.length === 1);
    expect([refused?.final[0]?.status, waiting()]).toEqual([401, 1]);
    release();
    for (const client of [first, ofBob]) {
      expect((await client?.waitFor(({ final }) => final.length === 1))?.final[0]?.status).toBe(200);
    }
    expect(upstream.requests.map(({ target }) => target)).toEqual(['/1/bob', '/3/bob']);
    for (const client of clients) client.destroy();
  });

  it('LO-26: passes on an answer that is there a moment after', async () => {
    const release = holdAnswers();
    const client = await openRaw(hop.port);
    client.write(get('1/alice'));
    await eventually(() => upstream.requests.length === 1);

    await at.sessions.end(sessionOf('alice'), 'signed-out');
    await clock.advance(499);
    release();

    expect((await client.waitFor(({ final }) => final.length === 1)).final[0]?.status).toBe(200);
    client.destroy();
  });

  it('LO-26: sends no call whose session ended before it was watched', async () => {
    await at.sessions.end(sessionOf('alice'), 'signed-out');

    expect((await rawRequest(hop.port, get('1/alice'), { responses: 1 })).final[0]?.status).toBe(401);
    expect((await rawRequest(hop.port, get('2/bob'), { responses: 1 })).final[0]?.status).toBe(200);
    expect(upstream.requests.map(({ target }) => target)).toEqual(['/2/bob']);
  });

  it('watches no longer than the call lasts, however it ends', async () => {
    const release = holdAnswers();
    const [left, answered] = [await openRaw(hop.port), await openRaw(hop.port)];
    left.write(get('1/alice'));
    answered.write(get('2/bob'));
    await eventually(() => watch.size === 2);
    left.destroy();
    await eventually(() => watch.size === 1);
    release();
    const { final } = await answered.waitFor(({ final: answers }) => answers.length === 1);

    await eventually(() => watch.size === 0);
    expect(final[0]?.status).toBe(200);
    answered.destroy();
  });
});
