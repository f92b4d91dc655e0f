/**
 * All sessions of the person who is signed in, on whatever device: found by the
 * index, shown by their cards, ended without their cookies.
 *
 * A card tells device and time and no more. What is not in the person's own index
 * is not looked at, so nobody can learn of another's session.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type Identity, idleEndOf, type Lifetimes, type OpenedSession } from './session.ts';
import { type IndexMember, SessionIndex } from './session-index.ts';
import type { SessionGlimpse, Sessions } from './sessions.ts';
import type { SessionStore } from './store.ts';

/** What it is made from. All of one frontend. */
export interface OwnSessionsParts {
  readonly store: SessionStore;
  readonly keys: KeyRing;
  readonly sessions: Pick<Sessions, 'lookById' | 'end'>;
  readonly lifetimes: Lifetimes;
  readonly clock: Pick<Clock, 'now'>;
}

/** Whose sessions are meant: those of the person of a session, or of anybody who is named. */
export interface Owner {
  readonly identity: Pick<Identity, 'issuer' | 'subject'>;
}

/** Questions to the store at a time: a person may have any number of sessions. */
const mostAtOnce = 16;

/** The person's view of their sessions. All of it throws `store-unavailable`. */
export class OwnSessions {
  readonly #parts: OwnSessionsParts;
  readonly #index: SessionIndex;

  constructor(parts: OwnSessionsParts) {
    this.#parts = parts;
    this.#index = new SessionIndex(parts);
  }

  /** The living sessions of a person, that which asks included; the one used last comes first. */
  async list(person: Owner): Promise<readonly SessionGlimpse[]> {
    const found = await inTurns([...(await this.#membersOf(person)).keys()], (id) => this.#parts.sessions.lookById(id));
    const living = found.filter((glimpse) => glimpse !== undefined).filter((glimpse) => this.#lives(glimpse));
    return living.sort((left, right) => right.seenAt - left.seenAt);
  }

  /** Ends the one of the person's sessions that has this handle. `false` where none has, whoever else's may. */
  async end(person: Owner, handle: string): Promise<boolean> {
    const members = await this.#membersOf(person);
    const found = await inTurns([...members.keys()], (id) => this.#parts.sessions.lookById(id));
    const named = found.find((glimpse) => glimpse?.card.handle === handle && this.#lives(glimpse));
    return named !== undefined && this.#end(named.id, members);
  }

  /** Ends all of the person's sessions but this one, also those whose card cannot be read. Says how many lived. */
  async endOthers(session: OpenedSession): Promise<number> {
    const members = await this.#membersOf(session);
    const others = [...members.keys()].filter((id) => id !== session.id);
    return (await inTurns(others, (id) => this.#end(id, members))).filter(Boolean).length;
  }

  async #end(id: string, members: Members): Promise<boolean> {
    const hasLived = await this.#parts.sessions.end(id, 'revoked');
    // One that was not there may be about to be created, and must stay findable.
    if (hasLived) await Promise.all((members.get(id) ?? []).map((member) => this.#index.drop(member)));
    return hasLived;
  }

  async #membersOf({ identity: { issuer, subject } }: Owner): Promise<Members> {
    return Map.groupBy(await this.#index.membersOf({ index: 'sub', issuer, value: subject }), ({ id }) => id);
  }

  // The store may still hold what nobody has used for too long.
  #lives({ seenAt, card }: SessionGlimpse): boolean {
    const { lifetimes, clock } = this.#parts;
    return clock.now() < Math.min(idleEndOf({ seenAt }, lifetimes), card.createdAt + lifetimes.lifetimeMs);
  }
}

/** By the session's name in the store; several places of one during a rotation of keys. */
type Members = ReadonlyMap<string, readonly IndexMember[]>;

async function inTurns<Answer>(ids: readonly string[], ask: (id: string) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < ids.length; at += mostAtOnce) {
    answers.push(...(await Promise.all(ids.slice(at, at + mostAtOnce).map(ask))));
  }
  return answers;
}
