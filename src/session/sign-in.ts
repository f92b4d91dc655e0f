/**
 * Begins a session, in an order that a sign-out in the same moment cannot slip
 * through.
 *
 * First the session is announced in the index, which is refused when the person
 * was signed out after that sign-in; then it is created; then the bound is read
 * again. A sign-out that comes before the first step is seen by it, one between the
 * first and the last by the last, and one later finds the session in the index.
 *
 * @module
 */

import { truncatedAddress } from '../audit/redact.ts';
import type { Clock } from '../base/clock.ts';
import { randomToken } from '../base/random.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { SessionSeal } from './seal.ts';
import { endAtSignIn, type Identity, type Lifetimes, type SessionTokens } from './session.ts';
import type { SessionIndex } from './session-index.ts';
import { keptUntil, SessionSnapshot, type SnapshotParts, sealParts } from './snapshot.ts';
import type { SessionStore } from './store.ts';
import { agentFamily } from './user-agent.ts';

/** What a session begins with. */
export interface SessionBeginning {
  readonly identity: Identity;
  readonly tokens: SessionTokens;
  /** The secret of csurf's synchronizer token; 256 random bits unless given. */
  readonly csrfSecret?: string | undefined;
  /** `User-Agent` as it was sent. Its family is kept, never the whole. */
  readonly agent: string | undefined;
  /** The client's address; it is truncated before it is kept. */
  readonly address: string;
  /** `iat` of the ID token, ms. */
  readonly issuedAt: number;
}

/** Thrown when the person was signed out by the authorization server after the sign-in that was to begin a session. */
export class SignInOvertakenError extends Error {
  constructor() {
    super('the person was signed out after this sign-in');
    this.name = 'SignInOvertakenError';
  }
}

/** What beginning a session needs. */
export interface SignInParts {
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly keys: KeyRing;
  readonly lifetimes: Lifetimes;
  readonly clock: Clock;
}

/**
 * Begins a session. What a refused one leaves in the index names nothing and goes
 * with its end. Throws {@link SignInOvertakenError}, `SessionTooLargeError` or
 * `store-unavailable`.
 */
export async function beginSession(
  parts: SignInParts,
  { seal, beginning }: { readonly seal: SessionSeal; readonly beginning: SessionBeginning },
): Promise<SessionSnapshot> {
  const { store, index, keys, lifetimes } = parts;
  const fresh = freshParts(parts, { seal, beginning });
  const { record, seenAt } = fresh;
  const indexed = { id: seal.id, identity: record.identity, expiresAt: record.expiresAt, issuedAt: record.issuedAt };
  const sealed = sealParts(fresh, keys);
  if (!(await index.add(indexed))) throw new SignInOvertakenError();
  const isCreated = await store.create({ id: seal.id, ...sealed, seenAt, expiresAt: keptUntil(fresh, lifetimes) });
  if (!isCreated) throw new Error('the name of a new session is taken');
  if (await index.isBarred(indexed)) {
    await store.end(seal.id, 'back-channel');
    throw new SignInOvertakenError();
  }
  return new SessionSnapshot(fresh);
}

function freshParts(
  { lifetimes, clock }: SignInParts,
  { seal, beginning }: { readonly seal: SessionSeal; readonly beginning: SessionBeginning },
): SnapshotParts {
  const now = clock.now();
  const { identity, tokens, csrfSecret = randomToken(256), agent, address, issuedAt } = beginning;
  return {
    seal,
    record: { identity, csrfSecret, createdAt: now, expiresAt: endAtSignIn(identity, { lifetimes, now }), issuedAt },
    tokens,
    card: { handle: randomToken(128), createdAt: now, agent: agentFamily(agent), address: truncatedAddress(address) },
    seenAt: now,
    version: 1,
    tokensVersion: 1,
    reseals: 0,
    spending: undefined,
    isCurrent: true,
  };
}
