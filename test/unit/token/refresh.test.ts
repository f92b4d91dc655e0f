import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedSession } from '../../../src/session/session.ts';
import { eventually } from '../../support/eventually.ts';
import { createGate, onlyNext } from '../../support/hostile/fault.ts';
import { routeOf, Scene } from './scene.ts';

let scene: Scene;
let session: OpenedSession;

beforeEach(async () => {
  scene = await Scene.open();
  session = await scene.signIn();
});

afterEach(() => scene.close());

const tokenOf = (of: OpenedSession | undefined) => of?.tokens.sets['']?.accessToken;
const stored = () => scene.sessions.at(session.id);

describe('a refresh', () => {
  it('RF-02: gives a call whose token has expired a new one, and asks for none before', async () => {
    const old = tokenOf(session);
    expect(await scene.call(session)).toBe(old);
    expect(scene.op.hits('refresh')).toBe(0);
    await scene.expire();
    const token = await scene.call(session);

    expect(scene.op.issued.accessTokens.has(token)).toBe(true);
    expect(token).not.toBe(old);
    expect(scene.told.lines).toEqual(['refreshed']);
  });

  it('RF-02: is made ahead, while calls go on with the old token', async () => {
    await scene.comeDue();
    const gate = createGate();
    scene.op.script.refresh.fault = gate.fault;
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.hits('refresh', 1);
    expect(await scene.call(session)).toBe(tokenOf(session));
    gate.open();
    await scene.first.refresher.settled();

    expect(tokenOf(stored())).not.toBe(tokenOf(session));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-03: of fifty calls on one expired session is one', async () => {
    await scene.expire();
    const tokens = await Promise.all(Array.from({ length: 50 }, () => scene.call(session)));

    expect(new Set(tokens)).toEqual(new Set([tokenOf(stored())]));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-03: of two hundred calls over three instances is one', async () => {
    await scene.expire();
    const instances = [scene.first, scene.instance(), scene.instance()];
    const gate = createGate();
    scene.op.script.refresh.fault = gate.fault;
    const calls = Array.from({ length: 200 }, (_, n) => scene.call(session, { instance: instances[n % 3] }));
    await scene.hits('refresh', 1);
    await eventually(() => scene.sessions.calls.filter((call) => call === 'beginSpending').length === 3);
    gate.open();
    await scene.first.refresher.settled();
    await scene.clock.advance(1_000); // the others look again
    const tokens = await Promise.all(calls);

    expect(new Set(tokens)).toEqual(new Set([tokenOf(stored())]));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-03: is not made again for who comes late with what was read before', async () => {
    await scene.expire();
    const first = await scene.call(session);

    expect(await scene.call(session)).toBe(first);
    expect(await scene.call(session, { instance: scene.instance() })).toBe(first);
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-04: presents each rotated token once, in order, ten times over', async () => {
    const refreshTokens = [session.tokens.refreshToken];
    for (let n = 0; n < 10; n++) {
      await scene.expire();
      await scene.call(stored() ?? session);
      refreshTokens.push(stored()?.tokens.refreshToken);
    }

    expect(scene.presented).toEqual(refreshTokens.slice(0, 10));
    expect(new Set(refreshTokens).size).toBe(11);
    expect(stored()?.tokens.rotates).toBe(true);
  });

  it.each(['omit', 'keep'] as const)(
    'RF-04: presents the same token again where the provider does not rotate (%s)',
    async (rotation) => {
      scene.op.script.refresh.rotation = rotation;
      for (let n = 0; n < 3; n++) {
        await scene.expire();
        await scene.call(stored() ?? session);
      }

      expect(scene.presented).toEqual(Array.from({ length: 3 }, () => session.tokens.refreshToken));
      expect(stored()?.tokens.rotates).toBe(false);
    },
  );

  it('learns that a provider rotates, and does not forget it', async () => {
    await scene.expire();
    await scene.call(session);
    scene.op.script.refresh.rotation = 'keep';
    await scene.expire();
    await scene.call(stored() ?? session);

    expect(stored()?.tokens.rotates).toBe(true);
  });

  it('RF-04: spends the one refresh token for two audiences in turn', async () => {
    await scene.expire();
    const other = routeOf({ audience: 'https://other.example' });
    const [own, foreign] = await Promise.all([scene.call(session), scene.call(session, { route: other })]);

    expect(own).not.toBe(foreign);
    expect(scene.op.log.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body.resource)).toEqual([
      undefined,
      'https://other.example',
    ]);
    expect(new Set(scene.presented).size).toBe(2);
    expect(Object.keys(stored()?.tokens.sets ?? {})).toEqual(['', 'https://other.example']);
    expect(scene.told.audiences).toEqual(['', 'https://other.example']);
  });

  it('RF-17: keeps the token of an audience until its own end', async () => {
    const route = routeOf({ audience: 'https://other.example' });
    const first = await scene.call(session, { route });

    expect(await scene.call(stored() ?? session, { route })).toBe(first);
    expect(await scene.call(stored() ?? session)).toBe(tokenOf(session));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-09: stores a narrower scope, and refuses the route that needs more', async () => {
    const route = routeOf({ scopes: ['orders.write'] });
    expect(await scene.call(session, { route })).toBe(tokenOf(session));
    scene.op.script.refresh.scope = 'openid orders.read';
    await scene.expire();

    expect(await scene.call(session, { route })).toBe('scope-missing');
    expect(await scene.call(stored() ?? session, { route })).toBe('scope-missing');
    expect(await scene.call(stored() ?? session, { route: routeOf({ scopes: ['orders.read'] }) })).toBe(
      tokenOf(stored()),
    );
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('RF-09: never asks for more scope than was granted', async () => {
    await scene.expire();
    await scene.call(session);

    expect(scene.op.log.find(({ endpoint }) => endpoint === 'refresh')?.body.scope).toBeUndefined();
  });

  it('RF-11: leaves the end of the session where it was', async () => {
    await scene.expire();
    await scene.call(session);

    expect(stored()?.expiresAt).toBe(session.expiresAt);
    await scene.clock.advance(session.expiresAt - scene.clock.now() + 1);
    expect(await scene.call(stored() ?? session)).toBe('session-ended');
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('takes over listed claims that changed, and no others', async () => {
    scene.op.script.refresh.claims = { name: 'Alicia', phone_number: '123' };
    await scene.expire();
    await scene.call(session);

    expect(stored()?.identity).toEqual({
      ...session.identity,
      claims: { name: 'Alicia', email: 'alice@example.test' },
    });
  });

  it('saves the tokens without the claims when only the key set is out of reach', async () => {
    scene.op.keys.rotate();
    scene.op.script.jwks.fault = { kind: 'instead', status: 503 };
    scene.op.script.refresh.claims = { name: 'Alicia' };
    await scene.expire();

    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(tokenOf(stored())).not.toBe(tokenOf(session));
    expect(stored()?.identity).toEqual(session.identity);
  });

  it('keeps the new tokens when the changed claims cannot be written', async () => {
    scene.sessions.away.add('replaceIdentity');
    scene.op.script.refresh.claims = { name: 'Alicia' };
    await scene.expire();

    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(tokenOf(stored())).not.toBe(tokenOf(session));
    expect(scene.told.lines).toEqual(['refreshed', 'changed claims could not be written']);
  });
});

describe('a session without a refresh token', () => {
  beforeEach(() => {
    session = scene.sessions.put({ ...session, tokens: { ...session.tokens, refreshToken: undefined } });
  });

  it('ends with its access token, and not before', async () => {
    await scene.clock.advance(299_999);
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.clock.advance(1);

    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'lifetime' }]);
    expect(scene.op.hits('refresh')).toBe(0);
  });

  it('has no token for another audience', async () => {
    expect(await scene.call(session, { route: routeOf({ audience: 'https://other.example' }) })).toBe(
      'no-refresh-token',
    );
  });
});

describe('a refresh token with an end of its own', () => {
  it('ends the session with it', async () => {
    const refreshExpiresAt = scene.clock.now() + 60_000;
    session = scene.sessions.put({ ...session, tokens: { ...session.tokens, refreshExpiresAt } });
    expect(await scene.call(session)).toBe(tokenOf(session));
    await scene.clock.advance(60_000);

    expect(await scene.call(session)).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'lifetime' }]);
  });

  it('ends nothing when another instance has brought a later one', async () => {
    const old = { ...session, tokens: { ...session.tokens, refreshExpiresAt: scene.clock.now() + 60_000 } };
    scene.sessions.put({
      ...old,
      tokensVersion: 2,
      tokens: { ...old.tokens, refreshExpiresAt: scene.clock.now() + 900_000 },
    });
    await scene.clock.advance(60_000);

    expect(await scene.call(old)).toBe(tokenOf(session));
    expect(scene.sessions.ended).toEqual([]);
  });
});

describe('an access token whose end nobody told', () => {
  it('is used until the upstream refuses it', async () => {
    scene.op.script.token.fields = { expires_in: undefined };
    session = await scene.signIn();
    await scene.clock.advance(3_600_000);

    expect(await scene.call(session)).toBe(tokenOf(session));
    expect(scene.op.hits('refresh')).toBe(0);
  });
});

describe('a route without a token', () => {
  it('gets none, even when it has expired', async () => {
    await scene.expire();

    expect(await scene.call(session, { route: routeOf({ token: 'none' }) })).toBe('none');
    expect(scene.op.hits('refresh')).toBe(0);
  });
});

describe('a sign-out during a refresh', () => {
  it('RF-13: wins; the late tokens are revoked and nothing is written', async () => {
    await scene.expire();
    const gate = createGate();
    scene.op.script.refresh.fault = gate.fault;
    const call = scene.call(session);
    await scene.hits('refresh', 1);
    await scene.sessions.end(session, 'signed-out');
    gate.open();

    expect(await call).toBe('session-ended');
    expect(scene.sessions.size).toBe(0);
    await scene.hits('revoke', 2);
    expect(scene.revoked.toSorted()).toEqual(
      [...[...scene.op.issued.refreshTokens].slice(-1), ...[...scene.op.issued.accessTokens].slice(-1)].toSorted(),
    );
    expect(scene.told.lines).toEqual(['signed-out: session-gone']);
  });

  it('RF-13: wins where the sign-out has revoked the token already', async () => {
    await scene.expire();
    const gate = createGate('before-processing');
    scene.op.script.refresh.fault = gate.fault;
    const call = scene.call(session);
    await scene.hits('refresh', 1);
    await scene.sessions.end(session, 'signed-out');
    await scene.first.revoker.revokeSession(session);
    gate.open();

    expect(await call).toBe('session-ended');
    expect(scene.sessions.ended).toEqual([{ id: session.id, reason: 'signed-out' }]);
    expect(scene.told.lines).toEqual(['signed-out: invalid_grant']);
  });
});

describe('a write of new tokens that is lost', () => {
  it('RF-05: is made again while they are held', async () => {
    await scene.expire();
    scene.sessions.away.add('saveTokens');
    const call = scene.call(session);
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    await scene.clock.advance(3_000);
    scene.sessions.away.clear();
    await scene.clock.advance(2_000);

    expect(await call).toBe(tokenOf(stored()));
    expect(scene.op.hits('refresh')).toBe(1);
    expect(scene.told.lines).toEqual(['refreshed']);
  });

  it('RF-05: is made again even when the call has been answered', async () => {
    await scene.expire();
    scene.sessions.away.add('saveTokens');
    const call = scene.call(session);
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    await scene.clock.advance(20_000);
    expect(await call).toBe('provider-unreachable');
    scene.sessions.away.clear();
    await scene.clock.advance(2_000);

    expect(tokenOf(stored())).not.toBe(tokenOf(session));
    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(scene.op.hits('refresh')).toBe(1);
  });

  it('keeps its claim meanwhile, so that no other instance takes its owner for gone', async () => {
    await scene.expire();
    scene.sessions.away.add('saveTokens');
    void scene.call(session);
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    const other = scene.call(session, { instance: scene.instance() });
    await scene.clock.advance(40_000);
    expect(await other).toBe('provider-unreachable');
    scene.sessions.away.clear();
    await scene.clock.advance(2_000);

    expect(scene.sessions.ended).toEqual([]);
    expect(tokenOf(stored())).not.toBe(tokenOf(session));
  });

  it('does not keep a process that is about to end longer than it is given', async () => {
    await scene.expire();
    scene.sessions.away.add('saveTokens');
    void scene.call(session);
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    const settled = scene.first.refresher.settled(5_000).then(() => scene.clock.elapsed());
    const start = scene.clock.elapsed();
    await scene.clock.advance(6_000);

    expect((await settled) - start).toBe(5_000);
    expect(scene.first.refresher.size).toBe(1);
  });

  it('is given up after a minute, and the tokens are revoked', async () => {
    await scene.expire();
    scene.sessions.away.add('saveTokens');
    const call = scene.call(session);
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    await scene.clock.advance(62_000);
    await scene.hits('revoke', 2);

    expect(await call).toBe('provider-unreachable');
    expect(scene.told.lines.at(-1)).toBe('save-failed: store-unavailable');
  });

  it('is made under a new claim when the store has forgotten the old one', async () => {
    await scene.expire();
    const gate = createGate();
    scene.op.script.refresh.fault = gate.fault;
    const call = scene.call(session);
    await scene.hits('refresh', 1);
    const claimed = stored() ?? session;
    await scene.sessions.end(session, 'revoked'); // a failover: gone with its claim,
    scene.sessions.put({ ...claimed, spending: undefined }); // and back without
    gate.open();

    expect(await call).toBe(tokenOf(stored()));
    expect(tokenOf(stored())).not.toBe(tokenOf(session));
  });
});

describe('a slow provider', () => {
  it('is waited for by the refresh, though not by the call', async () => {
    await scene.expire();
    const gate = createGate();
    scene.op.script.refresh.fault = onlyNext(gate.fault);
    scene.sessions.before = async (method) => {
      if (method === 'saveTokens') await slow.promise;
    };
    const slow = Promise.withResolvers<void>();
    const call = scene.call(session);
    await scene.hits('refresh', 1);
    gate.open();
    await eventually(() => scene.sessions.calls.includes('saveTokens'));
    await scene.clock.advance(11_000);
    expect(await call).toBe('provider-unreachable');
    slow.resolve();
    await scene.first.refresher.settled();

    expect(await scene.call(session)).toBe(tokenOf(stored()));
    expect(scene.op.hits('refresh')).toBe(1);
  });
});

describe('the result of a shared refresh', () => {
  it('reaches only the session it was made for', async () => {
    const sessions = [session];
    for (let n = 0; n < 9; n++) {
      scene.op.user = { sub: `user-${n}` };
      sessions.push(await scene.signIn());
    }
    await scene.expire();
    const calls = sessions.flatMap((one) => Array.from({ length: 5 }, () => scene.call(one)));
    const tokens = await Promise.all(calls);

    expect(scene.op.hits('refresh')).toBe(10);
    expect(tokens).toEqual(
      sessions.flatMap(({ id }) => Array.from({ length: 5 }, () => tokenOf(scene.sessions.at(id)))),
    );
  });
});
