/**
 * The whole server before one upstream behind TLS that it reads of in a rules file:
 * tokens that are refused, stronger sign-ins, and an upstream that fails.
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type Script, startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld, type World } from '../support/world.ts';

const server = createTlsIdentity('orders', ['127.0.0.1']);
const ours = createTlsIdentity('claimcheck', []);

const clock = new ShiftedClock();
let hostile: HostileProvider;
let upstream: Upstream;
let world: World;

const fine: Script = () => ({ body: 'fine' });
const challenging =
  (value: string): Script =>
  () => ({ status: 401, headers: [['WWW-Authenticate', value]] });
const invalid = challenging('Bearer error="invalid_token"');

beforeAll(async () => {
  const tls = { key: server.key, cert: server.cert, ca: ours.cert, requestCert: true, rejectUnauthorized: true };
  upstream = await startUpstream(fine, { tls });
  hostile = await startHostileProvider({ clients: [{ clientId: client.id, clientSecret: client.secret }], clock });
  const rules = `
routes:
  - path: /api/orders
    upstream: ${upstream.origin}/v2
upstreams:
  - origin: ${upstream.origin}
    ca_file: ca.pem
    cert_file: own.pem
    key_file: own.key
`;
  world = await startWorld({
    issuer: hostile.issuer,
    clock,
    env: { RULES_FILE: 'rules.yaml' },
    files: { 'rules.yaml': rules, 'ca.pem': server.cert, 'own.pem': ours.cert, 'own.key': ours.key },
  });
});

afterAll(async () => {
  await world.close();
  await Promise.all([hostile.close(), upstream.stop()]);
});

beforeEach(() => {
  hostile.reset();
  upstream.script = fine;
  upstream.forget();
  clock.advance(11_000); // past the limit of sign-ins
});

async function signedIn() {
  const browser = world.browser();
  await browser.navigate(`${world.origin}/login`, { from: `${world.origin}/` });
  clock.advance(61_000); // the token is no longer just issued
  return { browser, ask: () => browser.fetch(`${world.origin}/api/orders/7`) };
}

describe('an upstream', () => {
  it('TL-03, PX-01: is reached as the rules file says, with the token of the person', async () => {
    const { ask } = await signedIn();
    const answer = await ask();

    expect([answer.status, answer.text()]).toEqual([200, 'fine']);
    expect([upstream.last.target, upstream.last.header('authorization')]).toEqual([
      '/v2/7',
      expect.stringMatching(/^Bearer ./),
    ]);
  });

  it('PX-13: that refuses a token once gets another, and the browser hears nothing of it', async () => {
    const { ask } = await signedIn();
    upstream.script = (request) => (upstream.requests.length === 1 ? invalid(request) : fine(request));
    const before = hostile.hits('refresh');
    const answer = await ask();

    expect(answer.status).toBe(200);
    expect(hostile.hits('refresh') - before).toBe(1);
    const tokens = upstream.requests.map((request) => request.header('authorization'));
    expect(new Set(tokens).size).toBe(2);
  });

  it('PX-13: that refuses every token is asked twice, for one refresh, and its 401 stands', async () => {
    const { ask } = await signedIn();
    upstream.script = invalid;
    const before = hostile.hits('refresh');
    const answer = await ask();

    expect(answer.status).toBe(401);
    expect(hostile.hits('refresh') - before).toBe(1);
    expect(upstream.requests).toHaveLength(2);
  });

  it('PX-17: that wants a stronger sign-in gets it by way of login_url; and wanting it still is an end', async () => {
    const { browser, ask } = await signedIn();
    const challenge = 'Bearer error="insufficient_user_authentication", acr_values="gold"';
    upstream.script = challenging(challenge);
    const first = await ask();
    expect(first.status).toBe(401);
    expect(first.json()).toMatchObject({
      code: 'step-up-needed',
      acr_values: 'gold',
      login_url: '/login?acr_values=gold',
    });
    await browser.navigate(world.origin + String(first.json()['login_url']), { from: `${world.origin}/` });
    const again = await ask();
    expect([again.status, again.json()['code']]).toEqual([403, 'step-up-in-vain']);
    upstream.script = fine;

    expect((await ask()).status).toBe(200);
  });

  it('PX-31, LG-21: that fails is told of in the log and the metrics, and so is its return', async () => {
    const { ask } = await signedIn();
    upstream.script = () => ({ status: 503 });
    // What other tests of this file have done counts too.
    for (let at = 0; at < 40 && (await ask()).header('retry-after') === undefined; at++);
    const dependency = `upstream ${new URL(upstream.origin).host}`;
    const told = () => world.log.filter((line) => line['dependency'] === dependency).map((line) => line['event']);
    const gauge = async () => {
      const text = await (await fetch(`${world.opsUrl}/metrics`)).text();
      return /^claimcheck_upstream_open\{[^}]*\} (\d)$/m.exec(text)?.[1];
    };
    expect((await ask()).json()).toMatchObject({ code: 'upstream-failing' });
    expect([told(), await gauge()]).toEqual([['dependency.failed'], '1']);
    upstream.script = fine;
    clock.advance(5_000);
    expect((await ask()).status).toBe(200);

    expect([told(), await gauge()]).toEqual([['dependency.failed', 'dependency.recovered'], '0']);
  });
});
