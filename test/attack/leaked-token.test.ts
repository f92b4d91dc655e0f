import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsSecret } from '../support/secrets.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

describe('a secret of the provider', () => {
  it('TS-01, LS-03, CB-24, PX-12, LG-07: reaches neither the browser nor the log on any path, failures included', async () => {
    const browser = world.browser();
    const { origin } = world;
    await browser.navigate(`${origin}/login?login_hint=alice&return_to=/orders`, { from: `${origin}/` });
    const { csrf_token } = await world.session(browser);
    const unsafe = { 'X-CSRF-Token': csrf_token, 'Content-Type': 'application/json' };
    await browser.fetch(`${origin}/api/orders`);
    await browser.fetch(`${origin}/api/orders/none`);
    await browser.fetch(`${origin}/api/orders`, { method: 'POST', headers: unsafe, body: '{"broken' });
    await browser.fetch(`${origin}/session/refresh`, { method: 'POST', headers: unsafe });
    await browser.fetch(`${origin}/api/orders?access_token=x`);
    await browser.fetch(`${origin}/api/%2e%2e/orders`);
    await browser.navigate(`${origin}/callback?code=x&state=y`);
    await browser.navigate(`${origin}/callback?error=access_denied&state=y`);
    await browser.navigate(`${origin}/login?prompt=nonsense`);
    world.clock.advance(121_000);
    await browser.fetch(`${origin}/api/orders`);
    await browser.fetch(`${origin}/logout`, { method: 'POST', headers: { 'X-CSRF-Token': csrf_token } });
    world.clock.advance(-121_000);

    const own = browser.history.filter(({ url }) => url.startsWith(origin));
    const received = Buffer.concat(
      own.flatMap(({ headers, body }) => [Buffer.from(headers.map((pair) => pair.join(': ')).join('\n')), body]),
    );
    const secrets = world.provider.issuedSecrets();
    expect(own.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 303, 400, 404]));
    expect(secrets.length).toBeGreaterThanOrEqual(4);
    expect(secrets.filter((secret) => holdsSecret(received, secret))).toEqual([]);

    const log = Buffer.from(world.logText());
    const cookies = browser.history
      .flatMap(({ headers }) => headers)
      .filter(([name]) => name.toLowerCase() === 'set-cookie')
      .map(([, line]) => line.slice(line.indexOf('=') + 1, line.indexOf(';')))
      .filter((value) => value.length > 8);
    const person = ['Alice Anders', 'alice@example.test'];
    expect(log.includes('"event":"sign-in.succeeded"')).toBe(true);
    expect([...secrets, ...cookies, ...person, csrf_token].filter((text) => holdsSecret(log, text))).toEqual([]);
  });
});
