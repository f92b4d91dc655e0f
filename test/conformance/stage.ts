/**
 * Where the rows of the table are played: Claimcheck before a hostile provider,
 * and what each verdict means there.
 *
 * @module
 */

import { expect } from 'vitest';
import { HostileWorld, sessionCookies } from '../flow/provider-world.ts';
import type { Browser } from '../support/browser.ts';
import type { Answer } from '../support/browser-answer.ts';
import { startHostileProvider } from '../support/hostile-provider.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { client, startWorld } from '../support/world.ts';
import type { Arrange } from '../unit/oidc/token-faults.ts';
import type { LogoutFault, RefusedCase, RefusedLogoutCase, StageName } from './module.ts';

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

  /** The sign-in must fail as the row says; afterwards the same one works with the fault taken away, by `control` where it is no switch. */
  async refuse(row: RefusedCase, { control = () => undefined }: { control?: () => unknown } = {}): Promise<void> {
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
    control();
    await this.accept();
  }

  #expectRefusal(answer: Answer, { error = 'provider_error', beforeToken = false, reaches }: RefusedCase): void {
    const { hostile, world } = this.at;
    expect(answer.status).toBe(303);
    const { searchParams } = new URL(answer.header('location') ?? '', world.origin);
    expect(searchParams.get('auth_error')).toBe(error);
    expect(searchParams.get('auth_error_id')).toMatch(/^[0-9a-f]{32}$/);
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

/** The provider must not be used as it describes itself: no sign-in begins, not ready; put right, all works. */
export async function refuseProvider(arrange: Arrange): Promise<void> {
  const stage = await startStage({ arrange });
  const { hostile, world } = stage.at;
  const answer = await stage.at.ask('/login', { headers: { Accept: 'application/json' } });
  expect(answer.status).toBe(503);
  expect(answer.header('location')).toBeUndefined();
  expect((await fetch(`${world.opsUrl}/readyz`)).status).toBe(503);
  expect(hostile.log.every(({ endpoint }) => endpoint === 'metadata')).toBe(true);
  expect(hostile.trap.connections).toBe(0);
  await stage.accept();
  await stage.at.close();
}

function changesOf(fault: LogoutFault, now: number) {
  return typeof fault === 'function' ? fault(now) : fault;
}

/** How a stage differs from the usual one. */
export interface StageOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Switches of the provider that are set before Claimcheck starts. */
  readonly arrange?: Arrange;
  readonly upstream?: string;
}

/** The settings of stages that have some of their own. */
export const stageSettings: Readonly<Record<StageName, Readonly<Record<string, string>>>> = {
  'signed responses': { RESPONSE_MODE: 'jwt' },
};

/** Starts a world in which each sign-in asks UserInfo, because a claim is wanted that no ID token has. */
export async function startStage({ env = {}, arrange, upstream = nobody }: StageOptions = {}): Promise<Stage> {
  const clock = new ShiftedClock();
  const hostile = await startHostileProvider({ clients: [registered], clock });
  arrange?.(hostile.script, hostile);
  const settings = { API_AUDIENCE: undefined, USER_CLAIMS: 'name email nickname', FRONTCHANNEL_LOGOUT: 'true' };
  const world = await startWorld({ issuer: hostile.issuer, clock, upstream, env: { ...settings, ...env } });
  return new Stage(new HostileWorld(world, hostile));
}

/** The client as it is registered at the provider of every stage. */
export const registered = { clientId: client.id, clientSecret: client.secret } as const;

const nobody = 'http://127.0.0.1:9';
