import { Agent, request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HostileWorld, startHostileWorld } from '../flow/provider-world.ts';
import { createSigningKey } from '../support/hostile/keys.ts';

let scene: HostileWorld;
let agent: Agent;

beforeAll(async () => {
  scene = await startHostileWorld();
  agent = new Agent({ keepAlive: true, maxSockets: 32 });
});

afterAll(async () => {
  agent.destroy();
  await scene.close();
});

function post(body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${scene.world.origin}/backchannel-logout`,
      { method: 'POST', agent, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const formOf = (token: string) => new URLSearchParams({ logout_token: token }).toString();
const keySetFetches = () => scene.hostile.hits('jwks');

it('LO-20: a flood of invented tokens is refused cheaply, asks for the keys twice in fifteen seconds at most, and keeps nobody from signing in', async () => {
  const { hostile } = scene;
  const victim = scene.world.browser();
  await scene.signIn(victim);
  const { sid } = hostile.grants.at(-1) ?? {};
  const strangers = Array.from({ length: 20 }, () => createSigningKey({ alg: 'ES256' }));
  const kinds: readonly ((n: number) => string)[] = [
    (n) => `x${n}`,
    (n) => `a.b.${n}`,
    (n) => `${'x'.repeat(20_000)}${n}`,
    // Well-formed, and signed by keys that are in no key set under names nobody knows.
    (n) =>
      hostile.logoutToken({ sid, jose: { key: strangers[n % strangers.length], header: { kid: `invented-${n}` } } }),
    (n) => hostile.logoutToken({ sid, jose: { key: 'attacker' }, claims: { n } }),
  ];
  const bodies = Array.from({ length: 2_000 }, (_, n) => formOf((kinds[n % kinds.length] ?? kinds[0] ?? String)(n)));
  const before = keySetFetches();

  const startedAt = performance.now();
  const flood = Promise.all(bodies.map(post));
  const began = performance.now();
  const signIn = await scene.signIn(scene.world.browser());
  const signInMs = performance.now() - began;
  const statuses = await flood;
  // Strangers have two fetches, and one more for each quarter of a minute: a slow machine takes longer than one.
  const mostFetches = 2 + Math.floor((performance.now() - startedAt) / 15_000);

  expect(new Set(statuses)).toEqual(new Set([400]));
  expect(keySetFetches() - before).toBeLessThanOrEqual(mostFetches);
  expect(signIn.status).toBe(303);
  expect(signIn.header('location')).toBe('/');
  expect(signInMs).toBeLessThan(5_000);
  expect(await scene.world.session(victim)).toMatchObject({ authenticated: true });
  expect(await post(formOf(hostile.logoutToken({ sid })))).toBe(200); // a good one is taken all the same
  expect(await scene.world.session(victim)).toMatchObject({ authenticated: false });
});

it('LO-20: names of keys that nobody knows lead to two fetches of the key set, however many they are', async () => {
  scene.world.clock.advance(60_000);
  const before = keySetFetches();

  const tokens = Array.from({ length: 200 }, (_, n) =>
    scene.hostile.logoutToken({ sub: 'alice', jose: { key: 'attacker', header: { kid: `invented-${n}` } } }),
  );
  const statuses = await Promise.all(tokens.map((token) => post(formOf(token))));

  expect(new Set(statuses)).toEqual(new Set([400]));
  expect(keySetFetches() - before).toBeLessThanOrEqual(2);
  expect(keySetFetches() - before).toBeGreaterThan(0); // a new key would have been found
});
