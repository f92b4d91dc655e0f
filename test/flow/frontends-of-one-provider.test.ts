/**
 * Two frontends that are two clients of one provider: the same person is signed in at
 * both, and yet nothing of one is anything at the other.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesOnDisk } from '../../src/config/files.ts';
import { eventually } from '../support/eventually.ts';
import { ranWith } from '../unit/cli/running.ts';
import { type Frontends, type Place, startFrontends } from './frontends-world.ts';

const managed = ['client_auth_method: private_key_jwt', 'client_key_rotation: 30d'];
let all: Frontends;
let orders: Place;
let desk: Place;

beforeAll(async () => {
  all = await startFrontends({ oneProvider: true });
  ({ orders, desk } = all);
});

afterAll(() => all.close());

beforeEach(() => all.refresh());

describe('two clients of one provider', () => {
  it('LS-29: have a session each for the same person, whose tokens are for each client', async () => {
    const browser = all.browser();
    await orders.signIn(browser);
    await desk.signIn(browser);

    const subjects = [(await orders.session(browser)).user?.sub, (await desk.session(browser)).user?.sub];
    expect(subjects).toEqual(['alice', 'alice']);
    const asked = orders.hostile.log.filter(({ endpoint }) => endpoint === 'token').map(({ auth }) => auth?.clientId);
    expect(asked).toEqual(['orders-client', 'desk-client']);
    expect(
      (await desk.ask('/api/echo', { headers: { Cookie: orders.cookieOf(browser), 'Sec-Fetch-Site': 'same-origin' } }))
        .status,
    ).toBe(401);
    expect((await orders.call(browser)).status).toBe(200);
  });

  it('LO-12: are told of a sign-out one by one, also where the provider gives both the same jti', async () => {
    const browser = all.browser();
    await orders.signIn(browser);
    await desk.signIn(browser);
    const tokenFor = (clientId: string) =>
      orders.hostile.logoutToken({ sub: 'alice', clientId, claims: { jti: 'of-this-sign-out' } });
    const states = async () => Promise.all([orders, desk].map(async (at) => (await at.session(browser)).authenticated));

    expect(await desk.deliver(tokenFor('orders-client'))).toBe(400);
    expect(await states()).toEqual([true, true]);
    expect(await orders.deliver(tokenFor('orders-client'))).toBe(200);
    expect(await states()).toEqual([false, true]);
    expect(await desk.deliver(tokenFor('desk-client'))).toBe(200);
    expect(await states()).toEqual([false, false]);
    expect(await desk.deliver(tokenFor('desk-client'))).toBe(400);
  });

  it('LO-27: end all sessions of a person where operators name nobody but the subject', async () => {
    const browser = all.browser();
    await orders.signIn(browser);
    await desk.signIn(browser);

    const ended = await ranWith(['sessions', 'end', '--sub', 'alice'], { env: all.world.env, files: filesOnDisk });

    expect(ended.code).toBe(0);
    expect([(await orders.call(browser)).status, (await desk.call(browser)).status]).toEqual([401, 401]);
  });
});

describe('keys that Claimcheck keeps', () => {
  it('CA-09, CA-10: are others for each client, at its own address and under its own name', async () => {
    const kept = await startFrontends({ orders: managed, desk: managed });
    try {
      const kidsOf = async ({ host }: Place) => {
        const { body } = await kept.orders.ask('/.well-known/jwks.json', { headers: { Host: host } });
        return (JSON.parse(String(body)) as { readonly keys: readonly { readonly kid: string }[] }).keys.map(
          ({ kid }) => kid,
        );
      };
      const listed = async (id: string) =>
        (await ranWith(['keys', 'list', '--frontend', id], { env: kept.world.env, files: filesOnDisk })).output.split(
          ' ',
        )[0];
      const kids = async () => [...(await kidsOf(kept.orders)), ...(await kidsOf(kept.desk))];
      await eventually(async () => (await kids()).length === 2);
      const [first, second] = await kids();

      expect(first).not.toBe(second);
      expect([await listed('orders'), await listed('desk')]).toEqual([first, second]);
      const unclear = await ranWith(['keys', 'list'], { env: kept.world.env, files: filesOnDisk });
      expect(unclear).toMatchObject({ code: 2, complaints: expect.stringContaining('--frontend: orders, desk') });
    } finally {
      await kept.close();
    }
  });
});
