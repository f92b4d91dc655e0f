/**
 * People who use a deployment while something is done to its Redis, and what they may
 * see of it: they wait, and nothing else.
 *
 * @module
 */

import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { call, type Outcome, Traffic, tallyOf } from '../support/traffic.ts';
import type { Deployment, Person } from './deployment.ts';

/** What was seen, and how long after the end of the outage everybody was served again, ms. */
export interface Seen {
  readonly outcomes: readonly Outcome[];
  readonly backMs: number;
}

/** Six people who are signed in. */
export class Crowd {
  readonly people: readonly Person[];
  readonly #deployment: Deployment;

  /** Use {@link signedIn}. */
  constructor(deployment: Deployment, people: readonly Person[]) {
    this.#deployment = deployment;
    this.people = people;
  }

  /** Signs them in, at the processes by turns. */
  static async signedIn(deployment: Deployment): Promise<Crowd> {
    const logins = ['alice', 'bob', 'alice', 'bob', 'alice', 'bob'] as const;
    const { instances } = deployment;
    const people = logins.map((login, index) => deployment.signIn(login, instances[index % instances.length]));
    return new Crowd(deployment, await Promise.all(people));
  }

  /** Whether everybody was served at every process since an instant. */
  succeeds(traffic: Traffic, instant: number): boolean {
    return this.people.every((person) =>
      this.#deployment.ports.every((port) =>
        traffic.since(instant).some((seen) => seen.caller === person && seen.port === port && seen.status === 200),
      ),
    );
  }

  /** How many were told to wait since an instant. */
  refusals(traffic: Traffic, instant: number): number {
    return traffic.since(instant).filter(({ status }) => status === 503).length;
  }

  /**
   * Everybody is served, meets the outage, and is served again; nobody is signed out or
   * sent to sign in. `outage` ends at the instant at which service could begin again.
   */
  async expectOnlyWaiting(outage: (traffic: Traffic) => Promise<void>): Promise<Seen> {
    const { ports } = this.#deployment;
    const starts = this.#grants('authorization_code');
    const renewed = this.#grants('refresh_token');
    const traffic = new Traffic({ callers: this.people, ports, path: '/api/orders', everyMs: 20 });
    await eventually(
      () => this.succeeds(traffic, 0) && this.#grants('refresh_token') >= renewed + this.people.length,
      20_000,
    );
    const began = performance.now();
    await outage(traffic);
    const over = performance.now();
    await eventually(() => this.succeeds(traffic, over), 15_000);
    const backMs = performance.now() - over;
    const seen = await traffic.stop();

    const longest = Math.max(...seen.map(({ tookMs }) => tookMs));
    console.log(
      `${JSON.stringify(tallyOf(seen))} in ${Math.round(over - began)} ms of outage; all back after ${Math.round(backMs)} ms; longest answer ${Math.round(longest)} ms; ${this.#grants('refresh_token') - renewed} refreshes`,
    );
    this.#expectOnly503(seen);
    expect(this.#grants('authorization_code')).toBe(starts);
    await this.#expectAllSignedIn();
    return { outcomes: seen, backMs };
  }

  #grants(type: string): number {
    return this.#deployment.provider.record.grants.get(type) ?? 0;
  }

  #expectOnly503(seen: readonly Outcome[]): void {
    expect(seen.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    expect(seen.filter(({ headers }) => headers['set-cookie'] ?? headers.location)).toEqual([]);
    const refused = seen.filter(({ status }) => status === 503);
    expect(refused.filter(({ headers }) => !/^[1-9]\d*$/.test(headers['retry-after'] ?? ''))).toEqual([]);
    expect(new Set(refused.map(({ headers }) => headers['x-error-source']))).toEqual(new Set(['store']));
  }

  async #expectAllSignedIn(): Promise<void> {
    for (const person of this.people) {
      for (const port of this.#deployment.ports) {
        const { status, body, headers } = await call({ port, caller: person, path: '/session' });
        expect(status).toBe(200);
        expect(headers['set-cookie']).toBeUndefined();
        expect(JSON.parse(body)).toMatchObject({ authenticated: true, session: { id: person.sessionId } });
      }
    }
  }
}
