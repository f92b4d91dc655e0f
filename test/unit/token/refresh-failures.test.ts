import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authenticate } from '../../../src/http/inbound.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import { refreshFailures, refreshFailuresAsMarkdown } from '../../../src/token/failures.ts';
import { eventually } from '../../support/eventually.ts';
import { createGate, type Fault, oauthFault, onlyNext } from '../../support/hostile/fault.ts';
import type { RefreshSwitches } from '../../support/hostile/script.ts';
import { problemOf, requestOf, routeOf, Scene } from './scene.ts';

let scene: Scene;
let session: OpenedSession;

beforeEach(async () => {
  scene = await Scene.open();
  session = await scene.signIn();
});

afterEach(() => scene.close());

const tokenOf = (of: OpenedSession | undefined) => of?.tokens.sets['']?.accessToken;
const stored = () => scene.sessions.at(session.id);

/** A call, while whatever waits for the provider's time limit is let wait that long. */
async function callPastTheLimit(): Promise<string> {
  const call = scene.call(session);
  await scene.hits('refresh', 1);
  await scene.clock.advance(10_000);
  return call;
}

describe('a refusal of the grant, in every dialect', () => {
  const dialects: readonly [string, Fault][] = [
    ['invalid_grant', oauthFault('invalid_grant')],
    ['invalid_grant with 401', oauthFault('invalid_grant', 401)],
    ['another code with 400', oauthFault('invalid_request')],
    ['a code nobody has heard of', oauthFault('refresh_token_expired')],
    ['an empty 400', { kind: 'instead', status: 400 }],
    [
      '400 with a challenge',
      { kind: 'instead', status: 400, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } },
    ],
    [
      '401 with a challenge',
      { kind: 'instead', status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } },
    ],
  ];

  it.each(dialects)('RF-06: %s ends the session of an expired token, once and for all', async (_name, fault) => {
    await scene.expire();
    scene.op.script.refresh.fault = fault;

    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'refresh-failed' }]);
    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.op.hits('refresh')).toBe(1);
    expect(scene.told.lines[0]).toMatch(/^refused: /);
  });

  it('RF-06: ends the session ahead of the end of a token that still lives', async () => {
    await scene.comeDue();
    scene.op.script.refresh.fault = oauthFault('invalid_grant');
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.first.refresher.settled();

    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'refresh-failed' }]);
  });

  it('RF-14: ends the session whose token was used by somebody else', async () => {
    await scene.expire();
    const stolen = session.tokens.refreshToken ?? '';
    await scene.provider.refresh(stolen, { previous: session.identity });

    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'refresh-failed' }]);
  });

  it('RF-03: ends nothing when another has written newer tokens meanwhile', async () => {
    await scene.expire();
    const gate = createGate('before-headers', oauthFault('invalid_grant'));
    scene.op.script.refresh.fault = onlyNext(gate.fault);
    const call = scene.call(session);
    await scene.hits('refresh', 1);
    const now = scene.clock.now();
    const set = { accessToken: 'newer', issuedAt: now, expiresAt: now + 300_000, scope: ['openid'] };
    scene.sessions.put({ ...session, tokensVersion: 2, tokens: { ...session.tokens, sets: { '': set } } });
    gate.open();

    expect(await call).toBe('newer');
    expect(scene.sessions.ended).toEqual([]);
  });

  it('is not pretended while the store is away: the session ends later', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = onlyNext(oauthFault('invalid_grant'));
    scene.sessions.away.add('end');
    expect(await scene.call(session)).toBe('store-unavailable');
    scene.sessions.away.clear();
    expect(scene.sessions.size).toBe(1);
    const call = scene.call(session);
    await scene.clock.advance(18_000);

    expect(await call).toBe('provider-unreachable'); // it waited for as long as a call may
    await scene.first.refresher.settled();
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'refresh-failed' }]);
  });
});

describe('an outage', () => {
  const instead = (status: number, headers = {}): Fault => ({ kind: 'instead', status, headers });
  const html: Fault = {
    kind: 'instead',
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<h1>Hotel</h1>',
  };
  const answered: readonly [string, Fault][] = [
    ['500', instead(500)],
    ['502', instead(502)],
    ['503', instead(503)],
    ['503 with Retry-After', instead(503, { 'retry-after': '7' })],
    ['429 with Retry-After', instead(429, { 'retry-after': '7' })],
    ['an OAuth error that passes', oauthFault('temporarily_unavailable')],
    ['500 that names invalid_grant', oauthFault('invalid_grant', 500)],
    [
      '403 with a page',
      { kind: 'instead', status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>WAF</h1>' },
    ],
    ['200 with a page', html],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' }],
    ['a reset before anything was done', { kind: 'reset', at: 'before-processing' }],
  ];

  it.each(answered)(
    'RF-07: %s keeps the session: 503 when the token has expired, and on it goes afterwards',
    async (_name, fault) => {
      await scene.expire();
      scene.op.script.refresh.fault = onlyNext(fault);
      const problem = await problemOf(scene.first.tokens.attach(authenticate(requestOf(), session), routeOf()));
      await scene.clock.advance(31_000);

      expect(problem.code).toBe('provider-unreachable');
      expect(stored()).toEqual(session);
      expect(await scene.call(session)).toBe(tokenOf(stored()));
      expect(tokenOf(stored())).not.toBe(tokenOf(session));
    },
  );

  it.each(answered)('RF-07: %s goes unnoticed while the token lives', async (_name, fault) => {
    await scene.comeDue();
    scene.op.script.refresh.fault = fault;
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.first.refresher.settled();

    expect(await scene.call(session)).toBe(tokenOf(session));
    expect(scene.sessions.size).toBe(1);
    expect(scene.told.lines[0]).toMatch(/^unreachable: /);
  });

  it('RF-07: tells when to come back as the provider said', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = instead(503, { 'retry-after': '7' });
    const attach = () => scene.first.tokens.attach(authenticate(requestOf(), session), routeOf());
    const first = await problemOf(attach());
    const second = await problemOf(attach());

    expect(first.extras.headers).toEqual({ 'Retry-After': '7' });
    expect(second.extras.headers).toEqual({ 'Retry-After': '8' }); // spread, so that not all come back as one
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it.each<'before-processing' | 'after-headers' | 'mid-body'>(['before-processing', 'after-headers', 'mid-body'])(
    'RF-07: no answer in time (%s) keeps the session, and the token is presented again',
    async (at) => {
      scene.op.script.refresh.reuse = 'tolerated';
      await scene.expire();
      scene.op.script.refresh.fault = onlyNext({ kind: 'hang', at });

      expect(await callPastTheLimit()).toBe('provider-unreachable');
      expect(stored()).toEqual(session);
      expect(await scene.call(session)).toBe(tokenOf(stored()));
      expect(scene.presented).toEqual([session.tokens.refreshToken, session.tokens.refreshToken]);
    },
  );

  it('RF-05: a lost answer of a rotation ends in a clean sign-out where the provider tolerates no repeat', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = onlyNext({ kind: 'reset', at: 'before-headers' });

    expect(await scene.call(session)).toBe('provider-unreachable');
    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.told.lines).toEqual(['unreachable: connection', 'refused: invalid_grant']);
  });

  it('RF-07: a provider that cannot be reached at all is told apart, and nobody is signed out', async () => {
    await scene.expire();
    await scene.op.close();

    expect(await scene.call(session)).toBe('provider-unreachable');
    expect(stored()).toEqual(session);
    expect(scene.told.lines).toEqual(['unreachable: connection, not sent']);
  });

  it('keeps its claim back when the store is away, too, and gives it back later', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = onlyNext(instead(503));
    scene.sessions.away.add('abandonSpending');
    expect(await scene.call(session)).toBe('provider-unreachable');
    expect(stored()?.spending).toBeDefined();
    scene.sessions.away.clear();
    await scene.clock.advance(5_000);

    expect(stored()).toEqual(session);
    expect(await scene.call(session)).toBe(tokenOf(stored()));
  });

  it('RF-15: five thousand expired sessions ask a dead provider a handful of times, and recover without a stampede', async () => {
    const sessions = Array.from({ length: 5_000 }, (_, n) =>
      scene.sessions.put({ ...session, id: `${n}`.padStart(43, 'A') }),
    );
    await scene.expire();
    scene.op.script.refresh.fault = instead(500);
    const outcomes = await Promise.all(sessions.map((one) => scene.call(one)));
    const askedAtOnce = scene.op.hits('refresh');
    let most = 0;
    for (let n = 0; n < 60; n++) {
      const before = scene.op.hits('refresh');
      const calls = sessions.slice(0, 50).map((one) => scene.call(one));
      await scene.clock.advance(1_000);
      await Promise.all(calls);
      most = Math.max(most, scene.op.hits('refresh') - before);
    }

    expect(new Set(outcomes)).toEqual(new Set(['provider-unreachable']));
    expect(askedAtOnce).toBeLessThanOrEqual(40);
    expect(most).toBe(1);
    expect(scene.op.hits('refresh') - askedAtOnce).toBeLessThanOrEqual(8);
    expect(scene.sessions.size).toBe(5_001);
  });
});

describe('a client that is not accepted', () => {
  it.each([
    ['invalid_client', oauthFault('invalid_client', 401)],
    ['unauthorized_client', oauthFault('unauthorized_client')],
    [
      'a challenge for the client',
      { kind: 'instead', status: 401, headers: { 'www-authenticate': 'Basic realm="op"' } },
    ],
  ] satisfies [string, Fault][])('%s signs nobody out and calls the operator', async (_name, fault) => {
    await scene.expire();
    scene.op.script.refresh.fault = onlyNext(fault);

    expect(await scene.call(session)).toBe('provider-unreachable');
    expect(stored()).toEqual(session);
    expect(scene.told.lines[0]).toMatch(/^client-refused: /);
    expect(refreshFailures['client-refused'].level).toBe('error');
    expect(await scene.call(session)).toBe(tokenOf(stored()));
  });

  it('goes unnoticed while the token lives', async () => {
    await scene.comeDue();
    scene.op.script.refresh.fault = oauthFault('invalid_client', 401);
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.first.refresher.settled();

    expect(await scene.call(session)).toBe(tokenOf(session));
  });
});

describe('an audience that is not given', () => {
  const route = routeOf({ audience: 'https://wrong.example' });

  it('fails its own route alone, and is not asked for again at once', async () => {
    scene.op.script.refresh.fault = (request) => (request.body.resource ? oauthFault('invalid_target') : undefined);

    expect(await scene.call(session, { route })).toBe('provider-unreachable');
    expect(await scene.call(session, { route })).toBe('provider-unreachable');
    expect(scene.op.hits('refresh')).toBe(1);
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.expire();
    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(await scene.call(session, { route })).toBe('provider-unreachable');
    expect(scene.op.hits('refresh')).toBe(3);
    expect(scene.sessions.ended).toEqual([]);
  });
});

describe('an answer that fails a check', () => {
  const answers: readonly [string, Partial<RefreshSwitches>][] = [
    ['another subject', { claims: { sub: 'mallory' } }],
    ['another issuer', { claims: { iss: 'https://other.example' } }],
    ['another audience', { claims: { aud: 'other' } }],
    ['a later sign-in', { claims: (honest) => ({ ...honest, auth_time: Number(honest.auth_time) + 60 }) }],
    ['another nonce', { claims: { nonce: 'another' } }],
    ['a bad signature', { jose: { hmac: 'spki-pem' } }],
    ['a token with a line break', { fields: { access_token: 'a\r\nX: 1' } }],
    ['another token type', { fields: { token_type: 'DPoP' } }],
  ];

  it.each(answers)('RF-08: %s is not used; the session ends and what came is revoked', async (_name, switches) => {
    await scene.expire();
    Object.assign(scene.op.script.refresh, switches);

    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'refresh-failed' }]);
    expect(scene.told.lines[0]).toMatch(/^invalid: /);
    const [, late] = [...scene.op.issued.refreshTokens];
    await eventually(() => expect(scene.revoked).toEqual(expect.arrayContaining([late, session.tokens.refreshToken])));
  });
});

describe('an answer about somebody else', () => {
  it.each([
    ['subject', { sub: 'mallory' }],
    ['issuer', { iss: 'https://other.example' }],
  ])('RF-08: with another %s is not used, even if it had passed every check before', async (_name, claims) => {
    await scene.expire();
    const refresh = scene.provider.refresh.bind(scene.provider);
    scene.provider.refresh = async (token, options) => {
      const grant = await refresh(token, options);
      return { ...grant, idToken: { iss: scene.op.issuer, sub: 'alice', iat: 1, ...claims } };
    };

    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.told.lines).toEqual(['invalid: id-token-subject']);
    await eventually(() => expect(scene.revoked).toEqual(expect.arrayContaining([...scene.op.issued.refreshTokens])));
  });
});

describe('an answer that repeats what it may', () => {
  it('RF-08: is used with the nonce and the sign-in it had before', async () => {
    await scene.expire();
    scene.op.script.refresh.claims = { nonce: session.identity.nonce };

    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(tokenOf(stored())).not.toBe(tokenOf(session));
  });
});

describe('an owner that is gone', () => {
  const claim = () => scene.sessions.claimFor(session.id, { until: scene.clock.now() + 15_000 });

  /** What a call gets that waits until the claim has stood for as long as one does. */
  async function callBehindTheClaim(instance = scene.first): Promise<string> {
    const first = scene.call(session, { instance });
    await scene.clock.advance(12_000);
    expect(await first).toBe('provider-unreachable');
    const call = scene.call(session, { instance });
    await scene.clock.advance(5_000);
    return call;
  }

  it('RF-05: ends the session of a token that may be spent, and asks nobody', async () => {
    await scene.expire();
    claim();

    expect(await callBehindTheClaim()).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'refresh-failed' }]);
    expect(scene.op.hits('refresh')).toBe(0);
    await eventually(() => scene.revoked.includes(session.tokens.refreshToken ?? ''));
    expect(scene.told.lines).toEqual(['owner-gone: claim-lapsed']);
  });

  it('RF-05: spends the token again where the provider was seen not to rotate', async () => {
    scene.op.script.refresh.rotation = 'keep';
    await scene.expire();
    await scene.call(session);
    session = stored() ?? session;
    await scene.expire();
    claim();

    expect(await callBehindTheClaim()).toBe(tokenOf(stored()));
    expect(scene.sessions.calls).toContain('takeSpendingOver');
    expect(scene.op.hits('refresh')).toBe(2);
    expect(scene.sessions.ended).toEqual([]);
  });

  it('RF-05: that comes back when it should have moved its claim on does not present the token, and takes what it finds', async () => {
    await scene.expire();
    let wasAway = false;
    scene.sessions.before = async (method) => {
      if (method !== 'beginSpending' || wasAway) return;
      wasAway = true;
      scene.clock.advanceSync(5_000); // a third of what a claim stands
    };

    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(scene.sessions.calls.filter((method) => method === 'beginSpending')).toHaveLength(2);
    expect(scene.sessions.calls).toContain('abandonSpending');
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it.each([0, 60_000, -60_000, 86_400_000, -86_400_000])(
    'RF-05: is given as long as a claim stands, and two seconds more, whatever it says by a clock that is %i ms ahead',
    async (aheadMs) => {
      await scene.expire();
      scene.sessions.claimFor(session.id, { until: scene.clock.now() + aheadMs + 15_000 });
      const first = scene.call(session);
      await scene.clock.advance(16_900);
      expect(scene.sessions.ended).toEqual([]);
      const call = scene.call(session);
      await scene.clock.advance(200);

      expect(await first).toBe('provider-unreachable');
      expect(await call).toBe('session-ended');
    },
  );

  it.each([60_000, -60_000])(
    'RF-03: is not one that is at work, to an instance whose clock is %i ms ahead',
    async (aheadMs) => {
      await scene.clock.advance(400_000);
      const gate = createGate();
      scene.op.script.refresh.fault = gate.fault;
      const owner = scene.call(session);
      await scene.hits('refresh', 1);
      const waiter = scene.instance(scene.sessions, scene.clockAhead(aheadMs));
      const call = scene.call(session, { instance: waiter });
      await scene.clock.advance(9_000);
      gate.open();

      expect(await owner).toBe(tokenOf(stored()));
      expect(await call).toBe(tokenOf(stored()));
      expect(scene.sessions.ended).toEqual([]);
      expect(scene.op.hits('refresh')).toBe(1);
    },
  );

  it('RF-03: is not one that the store kept from moving its claim on', async () => {
    await scene.expire();
    for (const method of ['extendSpending', 'saveTokens'] as const) scene.sessions.away.add(method);
    const owner = scene.call(session);
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    const call = scene.call(session, { instance: scene.instance() });
    await scene.clock.advance(16_000);
    scene.sessions.away.delete('extendSpending');
    await scene.clock.advance(20_000);
    expect(scene.sessions.ended).toEqual([]);
    scene.sessions.away.clear();
    await scene.clock.advance(1_000);

    expect([await owner, await call]).toEqual(['provider-unreachable', 'provider-unreachable']); // nobody waits that long
    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-03: is looked at again before it is taken for gone, for a store that was away until then', async () => {
    await scene.expire();
    claim();
    const first = scene.call(session);
    await scene.clock.advance(1_000);
    scene.clock.advanceSync(16_500); // nothing was asked and nothing moved
    await scene.clock.advance(0);
    expect(scene.sessions.ended).toEqual([]);
    claim();
    await scene.clock.advance(10_000);

    expect(await first).toBe('provider-unreachable');
    expect(scene.sessions.ended).toEqual([]);
  });

  it('RF-03: is not the one that came after it, whatever its claim says', async () => {
    await scene.expire();
    const until = scene.clock.now() + 15_000;
    scene.sessions.claimFor(session.id, { until, owner: 'the first' });
    const first = scene.call(session);
    await scene.clock.advance(10_000);
    scene.sessions.claimFor(session.id, { until, owner: 'the second' });
    await scene.clock.advance(16_900);
    expect(scene.sessions.ended).toEqual([]);
    const call = scene.call(session);
    await scene.clock.advance(200);

    expect(await first).toBe('provider-unreachable');
    expect(await call).toBe('session-ended');
  });

  it('RF-03: is not one that moves its claim on for a minute', async () => {
    await scene.expire();
    claim();
    const call = scene.call(session);
    for (let n = 0; n < 11; n++) {
      await scene.clock.advance(5_000);
      claim();
    }

    expect(await call).toBe('provider-unreachable');
    expect(scene.sessions.ended).toEqual([]);
  });

  it('is not waited for in vain when it gives its claim back', async () => {
    await scene.expire();
    scene.sessions.claimFor(session.id, { until: scene.clock.now() + 5_000 });
    const call = scene.call(session);
    await scene.clock.advance(1_000);
    scene.sessions.put(session);
    await scene.sessions.abandonSpending(session, { owner: 'another', until: 0 });
    await scene.clock.advance(1_000);

    expect(await call).toBe(tokenOf(stored()));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-13: is not waited for when the session ends', async () => {
    await scene.expire();
    scene.sessions.claimFor(session.id, { until: scene.clock.now() + 5_000 });
    const call = scene.call(session);
    await scene.clock.advance(500);
    await scene.sessions.end(session, 'signed-out');
    await scene.clock.advance(1_000);

    expect(await call).toBe('session-ended');
    expect(scene.op.hits('refresh')).toBe(0);
  });
});

describe('a fault of ours', () => {
  it('signs nobody out', async () => {
    await scene.expire();
    scene.provider.refresh = () => Promise.reject(new TypeError('a bug'));

    expect(await scene.call(session)).toBe('provider-unreachable');
    expect(stored()).toEqual(session);
    expect(scene.told.lines).toEqual(['unreachable: unexpected']);
  });

  it('in the store is told as one of the store', async () => {
    await scene.expire();
    scene.sessions.away.add('beginSpending');

    expect(await scene.call(session)).toBe('store-unavailable');
    expect(scene.op.hits('refresh')).toBe(0);
  });

  it('in the store goes unnoticed while the token lives, and is told', async () => {
    await scene.comeDue();
    scene.sessions.away.add('beginSpending');

    expect(await scene.call(session)).toBe(tokenOf(session));
    await eventually(() => scene.told.lines.length > 0);
    expect(scene.told.lines).toEqual(['tokens could not be renewed ahead']);
  });
});

describe('the table of failures', () => {
  it('is documented row by row', () => {
    const markdown = refreshFailuresAsMarkdown();

    for (const name of Object.keys(refreshFailures)) expect(markdown).toContain(`| \`${name}\` |`);
  });

  it('RF-07: ends a session for nothing that may be an outage', () => {
    const ending = Object.entries(refreshFailures).filter(([, { endsSession }]) => endsSession);

    expect(ending.map(([name]) => name)).toEqual(['refused', 'invalid', 'owner-gone', 'signed-out']);
    expect(ending.some(([, { pauses }]) => pauses)).toBe(false);
  });
});
