/**
 * Sessions in a map, by the contract of session/store.ts: what several instances
 * would see of one store. Nothing is sealed; the store can be told to be away.
 *
 * The sealed ones are tested by the flows; here the interleavings matter.
 *
 * @module
 */

import type { Clock } from '../../../src/base/clock.ts';
import { ProblemError } from '../../../src/errors.ts';
import type { EndReason, Identity, OpenedSession, SessionTokens } from '../../../src/session/session.ts';
import type { ChangedListener } from '../../../src/session/store.ts';
import { StoredChanges } from '../../../src/session/stored-changes.ts';
import type { RefreshableSessions } from '../../../src/token/refresh.ts';
import type { Claim } from '../../../src/token/renewal.ts';

type Method = Exclude<keyof RefreshableSessions, 'changed' | 'whyEnded'>;
type Begun = 'begun' | 'busy' | 'changed' | 'gone';

/** The store and what it was asked. */
export class StoredSessions implements RefreshableSessions {
  readonly calls: Method[] = [];
  readonly ended: { readonly id: string; readonly reason: EndReason }[] = [];
  /** The methods that throw `store-unavailable`. */
  readonly away = new Set<Method>();
  /** Called before a method does its work: a place to put something in between. */
  before: (method: Method) => void | Promise<void> = () => undefined;
  readonly #sessions = new Map<string, OpenedSession>();
  readonly #owners = new Map<string, string>();
  readonly #savedBy = new Map<string, string>();
  readonly #listeners = new Set<ChangedListener>();
  readonly #changes: StoredChanges;

  constructor(clock: Pick<Clock, 'after'>) {
    const onChanged = (listener: ChangedListener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    this.#changes = new StoredChanges({ store: { onChanged }, clock });
  }

  /** Adds a session, or lays other values over one. */
  put(session: OpenedSession): OpenedSession {
    this.#sessions.set(session.id, session);
    for (const listener of this.#listeners) listener(session.id);
    return session;
  }

  /** What is stored, without a call. */
  at(id: string): OpenedSession | undefined {
    return this.#sessions.get(id);
  }

  /** How many sessions there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The claim of an instance that says nothing more. */
  claimFor(id: string, { until, owner = 'another' }: { readonly until: number; readonly owner?: string }): void {
    const session = this.#sessions.get(id);
    if (!session) throw new Error('no such session');
    this.#owners.set(id, owner);
    this.put({ ...session, spending: { owner, until } });
  }

  async reread({ id }: OpenedSession): Promise<OpenedSession | undefined> {
    await this.#called('reread');
    return this.#sessions.get(id);
  }

  changed({ id }: OpenedSession, limitMs: number): Promise<void> {
    return this.#changes.next(id, limitMs);
  }

  async whyEnded({ id }: OpenedSession): Promise<EndReason | undefined> {
    return this.ended.find((end) => end.id === id)?.reason;
  }

  async beginSpending(session: OpenedSession, claim: Claim): Promise<Begun> {
    await this.#called('beginSpending');
    return this.#begin(session, claim);
  }

  async takeSpendingOver(session: OpenedSession, claim: Claim): Promise<Begun> {
    await this.#called('takeSpendingOver');
    const stored = this.#sessions.get(session.id);
    if (stored?.spending?.until === session.spending?.until) this.#owners.delete(session.id);
    return this.#begin(session, claim);
  }

  async extendSpending(session: OpenedSession, claim: Claim): Promise<boolean> {
    await this.#called('extendSpending');
    const stored = this.#own(session, claim);
    if (stored) this.put({ ...stored, spending: claim });
    return stored !== undefined;
  }

  async abandonSpending(session: OpenedSession, claim: Claim): Promise<boolean> {
    await this.#called('abandonSpending');
    const stored = this.#own(session, claim);
    if (stored) this.#free(stored);
    return stored !== undefined;
  }

  async saveTokens(session: OpenedSession, claim: Claim, tokens: SessionTokens): Promise<OpenedSession | undefined> {
    await this.#called('saveTokens');
    const stored = this.#own(session, claim);
    if (!stored) return this.#savedBy.get(session.id) === claim.owner ? this.#sessions.get(session.id) : undefined;
    this.#savedBy.set(session.id, claim.owner);
    return this.#free({ ...stored, tokens, tokensVersion: stored.tokensVersion + 1 });
  }

  async replaceIdentity(session: OpenedSession, identity: Identity): Promise<OpenedSession | undefined> {
    await this.#called('replaceIdentity');
    const stored = this.#sessions.get(session.id);
    if (stored?.version !== session.version) return undefined;
    return this.put({ ...stored, identity, version: stored.version + 1 });
  }

  async end({ id }: OpenedSession, reason: EndReason): Promise<boolean> {
    await this.#called('end');
    const existed = this.#sessions.delete(id);
    for (const listener of this.#listeners) listener(id);
    if (existed) this.ended.push({ id, reason });
    return existed;
  }

  #begin(session: OpenedSession, claim: Claim): Begun {
    const stored = this.#sessions.get(session.id);
    if (!stored) return 'gone';
    if (stored.tokensVersion !== session.tokensVersion) return 'changed';
    const owner = this.#owners.get(session.id);
    if (owner !== undefined && owner !== claim.owner) return 'busy';
    this.#owners.set(session.id, claim.owner);
    this.put({ ...stored, spending: claim });
    return 'begun';
  }

  #own(session: OpenedSession, claim: Claim): OpenedSession | undefined {
    const stored = this.#sessions.get(session.id);
    const isOwn = this.#owners.get(session.id) === claim.owner && stored?.tokensVersion === session.tokensVersion;
    return isOwn ? stored : undefined;
  }

  #free(session: OpenedSession): OpenedSession {
    this.#owners.delete(session.id);
    return this.put({ ...session, spending: undefined });
  }

  async #called(method: Method): Promise<void> {
    this.calls.push(method);
    await this.before(method);
    if (this.away.has(method)) throw new ProblemError('store-unavailable');
  }
}
