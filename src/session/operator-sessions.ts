/**
 * The sessions of anybody, for operators: found by subject, shown by their cards,
 * ended without their cookies, in the store that the running instances use.
 *
 * An end is published as any other, so every instance refuses the cookie and tells
 * the event streams at once. What cannot be opened without the cookie stays closed
 * here, too: no token, no claim.
 *
 * @module
 */

import type { Outcome } from '../audit/events.ts';
import { Pseudonyms, pseudonymKey } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Config, FrontendConfig } from '../config/config.ts';
import { onlyFrontendId } from '../config/frontend-settings.ts';
import { frontendOf } from '../http/frontend.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { Metrics } from '../metrics/catalogue.ts';
import { AllSessions } from './all-sessions.ts';
import { createStore } from './configured-store.ts';
import { OwnSessions } from './own-sessions.ts';
import { lifetimesOf } from './session.ts';
import { SessionIndex } from './session-index.ts';
import { sessionReportsTo } from './session-reports.ts';
import { type SessionGlimpse, Sessions } from './sessions.ts';
import type { SessionStore } from './store.ts';

/** Which sessions are meant: all of a person, or only those of one session at the authorization server, or one. */
export interface Meant {
  readonly subject: string;
  readonly sid?: string | undefined;
  /** The public handle, as `list` and `GET /sessions` show it. */
  readonly handle?: string | undefined;
}

/** What an operator's view is made with. Audit events of what is ended go to the trail. */
export interface OperatorTools {
  readonly trail: Trail;
  readonly clock: Clock;
}

/** How long the store may take to be reached, ms, and how often that is looked at. */
const reachMs = { limit: 5_000, step: 50 } as const;

/** An operator's view of the store of one frontend, with the issuer of the configuration. All of it throws `store-unavailable`. */
export class OperatorSessions {
  readonly #trail: Trail;
  readonly #store: SessionStore;
  readonly #index: SessionIndex;
  readonly #sessions: Sessions;
  readonly #own: OwnSessions;
  readonly #all: AllSessions | undefined;
  readonly #clock: Clock;
  readonly #issuer: string;

  /** `own` is one of those of `config`. */
  constructor(config: Config, own: FrontendConfig, { trail: common, clock }: OperatorTools) {
    const { sessionSecrets } = config;
    const frontend = frontendOf(own);
    const trail = config.listsFrontends ? common.of(frontend.name) : common;
    const keys = new KeyRing({ secrets: sessionSecrets, frontendId: frontend.id });
    const pseudonyms = new Pseudonyms(pseudonymKey(sessionSecrets, onlyFrontendId));
    const lifetimes = lifetimesOf(own);
    const { store, redis } = createStore(config, { trail, clock });
    const reports = sessionReportsTo({ trail, metrics: new Metrics(), pseudonyms });
    const base = { frontend, keys, lifetimes, store, clock, reports };
    this.#trail = trail;
    this.#store = store;
    this.#clock = clock;
    this.#issuer = own.issuer;
    this.#index = new SessionIndex(base);
    this.#sessions = new Sessions(base);
    this.#own = new OwnSessions({ ...base, sessions: this.#sessions });
    this.#all = redis && new AllSessions({ redis, keys, reports, sessions: this.#sessions });
  }

  /** Waits until the store answers. `false` when it did not within five seconds. */
  async reach(): Promise<boolean> {
    const start = this.#clock.elapsed();
    while (!(await this.#store.ping())) {
      if (this.#clock.elapsed() - start > reachMs.limit) return false;
      await new Promise<void>((resolve) => void this.#clock.after(reachMs.step, resolve));
    }
    return true;
  }

  /** The living sessions that are meant, the one used last first. */
  async list(meant: Meant): Promise<readonly SessionGlimpse[]> {
    const found = await this.#own.list(this.#owner(meant));
    const ofSid = await this.#idsOfSid(meant);
    return found.filter(
      ({ id, card }) =>
        (ofSid === undefined || ofSid.has(id)) && (meant.handle === undefined || card.handle === meant.handle),
    );
  }

  /**
   * Ends the sessions that are meant and says how many lived. Where that is all of a
   * person, a sign-in under way does not escape; a later one is not refused. May be
   * repeated when it failed half-way.
   */
  async end(meant: Meant): Promise<number> {
    const { subject, sid, handle } = meant;
    if (sid === undefined && handle === undefined) {
      const sought = { index: 'sub', issuer: this.#issuer, value: subject } as const;
      return this.#sessions.endAllOf(sought, { notBefore: this.#clock.now(), reason: 'revoked' });
    }
    const chosen = await this.list(meant);
    const ended = await Promise.all(chosen.map(({ card }) => this.#own.end(this.#owner(meant), card.handle)));
    return ended.filter(Boolean).length;
  }

  /** How many sessions everybody has at this frontend. Throws for a store in memory. */
  countAll(): Promise<number> {
    return this.#everybody().count();
  }

  /**
   * Ends everybody's sessions at this frontend and says how many lived. Sign-ins under
   * way, and later ones, are not refused. May be repeated when it failed half-way.
   * Throws for a store in memory.
   */
  async endAll(operator: string): Promise<number> {
    let count = 0;
    let outcome: Outcome = 'failure';
    try {
      await this.#everybody().end((more) => {
        count += more;
      });
      outcome = 'success';
    } finally {
      this.#trail.event('sessions.ended-all', outcome, { operator, reason: 'revoked', count });
    }
    return count;
  }

  /** Ends the connection. */
  close(): Promise<void> {
    return this.#store.close();
  }

  #everybody(): AllSessions {
    if (this.#all === undefined) throw new Error('sessions in memory can be reached by their own process alone');
    return this.#all;
  }

  async #idsOfSid({ sid }: Meant): Promise<ReadonlySet<string> | undefined> {
    if (sid === undefined) return undefined;
    const members = await this.#index.membersOf({ index: 'sid', issuer: this.#issuer, value: sid });
    return new Set(members.map(({ id }) => id));
  }

  #owner({ subject }: Meant) {
    return { identity: { issuer: this.#issuer, subject } };
  }
}
