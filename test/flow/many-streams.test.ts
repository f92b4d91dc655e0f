import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { BrowserStream } from '../support/browser-stream.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/world.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;

beforeAll(async () => {
  twins = await startTwins();
});

afterAll(() => twins.close());

beforeEach(() => {
  twins.hostile.reset();
  twins.clock.advance(11_000); // past the limit of sign-ins
});

async function listening(browser: Browser, at: World): Promise<BrowserStream> {
  const stream = await browser.openStream(`${at.origin}/session/events`, { from: `${at.origin}/` });
  expect(stream.status).toBe(200);
  await stream.next('state');
  return stream;
}

/** So many streams of one browser, half of them at each instance. */
function listeningTo(browser: Browser, count: number): Promise<readonly BrowserStream[]> {
  const at = (index: number) => (index % 2 === 0 ? twins.first : twins.second);
  return Promise.all(Array.from({ length: count }, (_, index) => listening(browser, at(index))));
}

const kindsOf = (stream: BrowserStream) => stream.events().map(({ event }) => event);

describe('many streams over two instances', () => {
  it('LO-11, LO-26: all fifty of a person learn of an end within half a second, and no one else does', async () => {
    const devices = [await twins.signIn('alice'), await twins.signIn('alice')];
    const other = await twins.signIn('bob');
    const streams = (await Promise.all(devices.map(({ browser }) => listeningTo(browser, 25)))).flat();
    const bystanders = await listeningTo(other.browser, 4);
    expect(streams).toHaveLength(50);

    await twins.hostile.deliverLogoutToken(twins.backChannel, { sub: 'alice' });
    const answered = performance.now();
    const ends = await Promise.all(streams.map((stream) => stream.next('ended', 500)));

    expect(performance.now() - answered).toBeLessThan(500);
    for (const { data } of ends) expect(JSON.parse(data)).toEqual({ reason: 'back-channel', login_url: '/login' });
    for (const stream of bystanders) {
      expect(kindsOf(stream)).toEqual(['state']);
      expect(stream.closed).toBe(false);
      stream.close();
    }
  });

  it('asks Redis nothing at all while nothing happens, but whether it is there', async () => {
    const { browser } = await twins.signIn();
    const streams = await listeningTo(browser, 20);
    const monitor = await twins.redis.monitor();
    const commands = () => monitor.lines().flatMap((line) => /\] "(\w+)"/.exec(line)?.[1]?.toUpperCase() ?? []);
    const asked = () => commands().filter((name) => name !== 'PING');

    const began = performance.now();
    await eventually(() => performance.now() - began > 3_000, 4_000);

    expect(asked()).toEqual([]);
    expect((await browser.fetch(`${twins.second.origin}/logout?local=true`, await proof(browser))).status).toBe(204);
    await eventually(() => asked().length > 0); // what is asked for is seen
    for (const stream of streams) await stream.next('ended', 500);
    monitor.close();
  });
});

async function proof(browser: Browser) {
  const { csrf_token } = await twins.second.session(browser);
  return { method: 'POST', headers: { 'X-CSRF-Token': csrf_token }, from: `${twins.second.origin}/` };
}
