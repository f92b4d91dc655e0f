/**
 * Where the rows of the table are played: Claimcheck before a hostile provider,
 * and what each verdict means there.
 *
 * @module
 */

import { expect } from 'vitest';
import { type HostileWorld, sessionCookies, startHostileWorld } from '../flow/provider-world.ts';
import type { Browser } from '../support/browser.ts';
import type { Answer } from '../support/browser-answer.ts';
import type { Arrange } from '../unit/oidc/token-faults.ts';
import type { LogoutFault, RefusedCase, RefusedLogoutCase } from './module.ts';

/** One world for many cases; each begins with everything honest. */
export class Stage {
  readonly at: HostileWorld;

  /** Use {@link startStage}. */
  constructor(at: HostileWorld) {
    this.at = at;
  }

  /** Signs somebody in who must get in, with UserInfo asked once: the control of every refusal. */
  async accept(arrange: Arrange = () => undefined): Promise<Browser> {
    const { hostile, world } = this.at;
    this.at.refresh();
    arrange(hostile.script, hostile);
    const browser = world.browser();
    const answer = await this.at.signIn(browser);
    expect(answer.status).toBe(303);
    expect(new URL(answer.header('location') ?? '', world.origin).searchParams.get('auth_error')).toBeNull();
    expect(sessionCookies(answer)).toHaveLength(1);
    expect(await this.isSignedIn(browser)).toBe(true);
    expect(hostile.hits('userinfo')).toBe(1);
    expect(hostile.trap.connections).toBe(0);
    return browser;
  }

  /** The sign-in must fail as the row says; afterwards the same one works with the fault taken away. */
  async refuse(row: RefusedCase): Promise<void> {
    const { hostile, world } = this.at;
    this.at.refresh();
    row.refused(hostile.script, hostile);
    const failures = this.at.countEvents('sign-in.failed');
    const browser = world.browser();
    const answer = await this.at.signIn(browser);
    this.#expectRefusal(answer, row);
    expect(this.at.countEvents('sign-in.failed')).toBe(failures + 1);
    expect(world.log.findLast(({ event }) => event === 'sign-in.failed')?.['reason']).toBe(row.reason);
    expect(await this.isSignedIn(browser)).toBe(false);
    await this.accept();
  }

  #expectRefusal(answer: Answer, { error = 'provider_error', beforeToken = false, reaches }: RefusedCase): void {
    const { hostile, world } = this.at;
    expect(answer.status).toBe(303);
    const { searchParams } = new URL(answer.header('location') ?? '', world.origin);
    expect(searchParams.get('auth_error')).toBe(error);
    expect(searchParams.get('auth_error_id')).toMatch(/^[\w-]{22}$/);
    expect(sessionCookies(answer)).toEqual([]);
    expect(hostile.hits('token')).toBe(beforeToken ? 0 : 1);
    expect(hostile.hits('userinfo')).toBe(reaches === 'userinfo' ? 1 : 0);
    expect(hostile.hits('introspect') + hostile.hits('refresh')).toBe(0);
    expect(hostile.trap.connections).toBe(0);
  }

  /** The logout token must be refused with 400 while the session lives; without the fault it ends it. */
  async refuseLogout({ refusedLogout, reason }: RefusedLogoutCase): Promise<void> {
    const { hostile, world } = this.at;
    const browser = await this.accept();
    const sid = hostile.grants.at(-1)?.sid;
    const answer = await this.deliver({ sid, ...changesOf(refusedLogout, hostile.now()) });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({ error: 'invalid_request' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(world.log.findLast(({ path }) => path === '/backchannel-logout')?.['detail']).toBe(reason);
    expect(await this.isSignedIn(browser)).toBe(true);

    expect((await this.deliver({ sid })).status).toBe(200);
    expect(await this.isSignedIn(browser)).toBe(false);
  }

  /** Posts a logout token as the provider does. */
  deliver(token: Parameters<HostileWorld['hostile']['deliverLogoutToken']>[1]) {
    const { hostile, world } = this.at;
    return hostile.deliverLogoutToken(`${world.origin}/backchannel-logout`, token);
  }

  /** Whether the page of the browser is told that somebody is signed in. */
  async isSignedIn(browser: Browser): Promise<boolean> {
    return (await this.at.world.session(browser))['authenticated'] === true;
  }
}

function changesOf(fault: LogoutFault, now: number) {
  return typeof fault === 'function' ? fault(now) : fault;
}

/** Starts a world in which each sign-in asks UserInfo, because a claim is wanted that no ID token has. */
export async function startStage(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const settings = { API_AUDIENCE: undefined, USER_CLAIMS: 'name email nickname', FRONTCHANNEL_LOGOUT: 'true' };
  return new Stage(await startHostileWorld({ env: { ...settings, ...env } }));
}
