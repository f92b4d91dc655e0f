import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedSession } from '../../../src/session/session.ts';
import { Revoker } from '../../../src/token/revoke.ts';
import { eventually } from '../../support/eventually.ts';
import { type Fault, oauthFault, onlyNext } from '../../support/hostile/fault.ts';
import { Scene } from './scene.ts';

let scene: Scene;
let session: OpenedSession;
let revoker: Revoker;

beforeEach(async () => {
  scene = await Scene.open();
  session = await scene.signIn();
  ({ revoker } = scene.first);
});

afterEach(() => scene.close());

const away: Fault = { kind: 'instead', status: 503 };

describe('the revocation of a session', () => {
  it('LO-04: asks for the refresh token with its hint and the client’s proof', async () => {
    await revoker.revokeSession(session);
    const [request] = scene.op.log.filter(({ endpoint }) => endpoint === 'revoke');

    expect(request?.body).toMatchObject({ token: session.tokens.refreshToken, token_type_hint: 'refresh_token' });
    expect(request?.auth).toMatchObject({ valid: true, method: 'client_secret_basic' });
    expect(scene.op.grants[0]?.revoked).toBe(true);
    expect(scene.op.hits('revoke')).toBe(1);
  });

  it('LO-04: asks for the access tokens where there is no refresh token', async () => {
    await revoker.revokeSession({ ...session, tokens: { ...session.tokens, refreshToken: undefined } });
    const [request] = scene.op.log.filter(({ endpoint }) => endpoint === 'revoke');

    expect(request?.body).toMatchObject({
      token: session.tokens.sets['']?.accessToken,
      token_type_hint: 'access_token',
    });
  });

  it('LO-04: takes the answer for an unknown token for success', async () => {
    await revoker.revokeSession({ ...session, tokens: { ...session.tokens, refreshToken: 'nobody-knows' } });

    expect(scene.op.hits('revoke')).toBe(1);
    expect(scene.told.lines).toEqual([]);
    expect(revoker.size).toBe(0);
  });

  it('LO-05: keeps nobody waiting longer than two seconds, and goes on in the background', async () => {
    scene.op.script.revoke.fault = onlyNext({ kind: 'hang', at: 'before-processing' });
    let done = false;
    const revoked = revoker.revokeSession(session).then(() => {
      done = true;
    });
    await scene.hits('revoke', 1);
    await scene.clock.advance(1_999);
    expect(done).toBe(false);
    await scene.clock.advance(1);
    await revoked;
    expect(revoker.size).toBe(1);
    await scene.clock.advance(8_000); // the provider's time limit
    await eventually(() => scene.clock.pending > 0);
    await scene.clock.advance(2_000);
    await scene.hits('revoke', 2);

    await eventually(() => revoker.size === 0);
    expect(scene.op.grants[0]?.revoked).toBe(true);
  });

  it('LO-05: tries again as late as the provider asked for', async () => {
    scene.op.script.revoke.fault = onlyNext({ ...away, headers: { 'retry-after': '9' } });
    const revoked = revoker.revokeSession(session);
    await scene.hits('revoke', 1);
    await scene.clock.advance(8_900);
    expect(scene.op.hits('revoke')).toBe(1);
    await scene.clock.advance(300);
    await scene.hits('revoke', 2);
    await revoked;

    await eventually(() => revoker.size === 0);
    expect(scene.told.lines).toEqual([]);
  });

  it('LO-05: gives up after eight attempts with growing pauses, and says so', async () => {
    scene.op.script.revoke.fault = away;
    void revoker.revokeSession(session);
    const pauses = [2, 4, 8, 16, 32, 60, 60];
    for (const [n, seconds] of pauses.entries()) {
      await scene.hits('revoke', n + 1);
      await eventually(() => scene.clock.pending > 0);
      await scene.clock.advance(seconds * 1_000 - 100);
      expect(scene.op.hits('revoke')).toBe(n + 1);
      await scene.clock.advance(200);
    }
    await scene.hits('revoke', 8);

    await eventually(() => revoker.size === 0);
    expect(scene.told.lines).toEqual(['revocation-failed: status-503']);
  });

  it('LO-05: does not repeat what is refused', async () => {
    scene.op.script.revoke.fault = oauthFault('invalid_request');
    await revoker.revokeSession(session);

    await eventually(() => scene.told.lines.length > 0);
    expect(scene.told.lines).toEqual(['revocation-failed: invalid_request']);
    expect(scene.op.hits('revoke')).toBe(1);
  });
});

describe('a provider without revocation', () => {
  it('is told once, and nobody waits for it', async () => {
    let asked = 0;
    const lacking = {
      revoke: () => {
        asked += 1;
        return Promise.resolve(false);
      },
    };
    const own = new Revoker({ provider: lacking, reports: scene.told, clock: scene.clock });
    await own.revokeSession(session);
    await own.revokeSession(session);

    expect(asked).toBe(2);
    expect(scene.told.lines).toEqual(['revocation-failed: not-offered']);
  });
});

describe('the background', () => {
  it('asks for four tokens at once, no more', async () => {
    const held: (() => void)[] = [];
    const slow = { revoke: () => new Promise<boolean>((resolve) => held.push(() => resolve(true))) };
    const own = new Revoker({ provider: slow, reports: scene.told, clock: scene.clock });
    own.revokeLate(
      Array.from({ length: 20 }, (_, n) => `token-${n}`),
      session,
    );
    await scene.clock.advance(0);
    expect(held).toHaveLength(4);
    held[0]?.();
    await scene.clock.advance(0);

    expect(held).toHaveLength(5);
    for (let n = 1; n < 20; n++) {
      held[n]?.();
      await scene.clock.advance(0);
    }
    expect(own.size).toBe(0);
  });

  it('asks for each of several tokens once', async () => {
    revoker.revokeLate(['a', 'b', 'a', ''], session);
    await eventually(() => revoker.size === 0);

    expect(scene.revoked.toSorted()).toEqual(['a', 'b']);
  });

  it('holds a thousand tokens, and says which it does not take', async () => {
    scene.op.script.revoke.fault = away;
    revoker.revokeLate(
      Array.from({ length: 1_001 }, (_, n) => `token-${n}`),
      session,
    );

    expect(revoker.size).toBe(1_000);
    expect(scene.told.lines).toEqual(['revocation-failed: queue-full']);
  });

  it('says at the end of the process what was not revoked', async () => {
    scene.op.script.revoke.fault = away;
    revoker.revokeLate(['a', 'b'], session);
    const settled = revoker.settled(1_000);
    await scene.clock.advance(1_000);
    await settled;

    expect(scene.told.lines).toEqual(['revocation-failed: shutdown', 'revocation-failed: shutdown']);
  });
});
