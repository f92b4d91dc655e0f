/**
 * Attack: a person whose claims hold the separators of whoever joins them (flaws
 * 2B). We join none and send none to an upstream; the page gets them as JSON.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTwins, type Twins } from '../flow/twin-worlds.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let twins: Twins;

beforeAll(async () => {
  upstream = await startUpstream(() => ({ body: 'ok' }));
  twins = await startTwins({ upstream: upstream.origin, env: { USER_CLAIMS: 'name groups roles' } });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

describe('a claim', () => {
  it('PX-02, IT-32: is one value to the page whatever is in it, and none to an upstream', async () => {
    const groups = [
      'x,Admins',
      'y;Admins',
      'z Admins',
      '"Admins"',
      'a\r\nX-User-Role: Admins',
      'b\0Admins',
      '</script>Admins',
    ];
    twins.hostile.script.token.claims = { groups, roles: 'viewer\r\nX-Forwarded-User: Admins' };
    const { browser } = await twins.signIn();
    const { user } = await twins.first.session(browser);

    expect(user).toEqual({ sub: 'alice', name: 'alice', groups, roles: 'viewer\r\nX-Forwarded-User: Admins' });
    const answer = await browser.fetch(`${twins.first.origin}/api/x`, { from: `${twins.first.origin}/` });
    expect(answer.status).toBe(200);
    expect(upstream.last.raw.toString('latin1')).not.toMatch(/Admins|viewer|alice@/);
    expect(twins.first.logText()).not.toContain('Admins');
  });
});
