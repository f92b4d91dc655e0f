/**
 * The writes to an opened session: new tokens, and other claims of the same person.
 *
 * Each seals for the count that the store will give it, so a write that the store
 * refuses was for nothing and can be read by nobody.
 *
 * @module
 */

import { encodeRecord, encodeTokens } from './payload.ts';
import type { Identity, OpenedSession, SessionTokens } from './session.ts';
import { SessionSnapshot } from './snapshot.ts';
import type { SpendingClaim } from './spending-claim.ts';
import type { SessionStore, Spending } from './store.ts';

/** The claim as the store knows it: for the tokens that the session was opened with. */
export function spendingOf({ id, tokensVersion: version }: OpenedSession, { owner, until }: SpendingClaim): Spending {
  return { id, version, owner, until };
}

/**
 * Claims in place of the owner that `session` was read with, who is gone. The owner may
 * have spent the refresh token, so this is for one that may be presented twice. Of
 * several that try, one begins; none where the owner moved the claim on meanwhile.
 */
export async function takeSpendingOver(
  store: SessionStore,
  { session, claim }: { readonly session: OpenedSession; readonly claim: SpendingClaim },
): Promise<'begun' | 'busy' | 'changed' | 'gone'> {
  const mine = spendingOf(session, claim);
  const theirs = session.spending;
  if (theirs !== undefined) await store.abandonSpending({ ...mine, ...theirs }, { onlyUnmoved: true });
  return store.beginSpending(mine);
}

/** Writes new tokens and ends the claim. `undefined`: the claim was lost, or the session is gone. */
export async function writeTokens(
  store: SessionStore,
  change: { readonly session: OpenedSession; readonly claim: SpendingClaim; readonly tokens: SessionTokens },
): Promise<SessionSnapshot | undefined> {
  const { session, claim, tokens } = change;
  const parts = SessionSnapshot.partsOf(session);
  const tokensVersion = parts.tokensVersion + 1;
  const sealed = parts.seal.seal(encodeTokens(tokens), { part: 'tokens', version: tokensVersion });
  if (!(await store.saveTokens(spendingOf(session, claim), sealed))) return undefined;
  return new SessionSnapshot({ ...parts, tokens, tokensVersion, spending: undefined });
}

/** Writes other claims. `undefined`: another wrote meanwhile, or the session is gone. Throws for another person. */
export async function writeIdentity(
  store: SessionStore,
  { session, identity }: { readonly session: OpenedSession; readonly identity: Identity },
): Promise<SessionSnapshot | undefined> {
  const parts = SessionSnapshot.partsOf(session);
  const { issuer, subject, sid } = parts.record.identity;
  if (identity.issuer !== issuer || identity.subject !== subject || identity.sid !== sid) {
    throw new Error('a session never becomes that of another person, nor of another session at the provider');
  }
  const record = { ...parts.record, identity };
  const version = parts.version + 1;
  const sealed = parts.seal.seal(encodeRecord(record), { part: 'session', version });
  if (!(await store.replaceRecord({ id: session.id, version: parts.version, sealed }))) return undefined;
  return new SessionSnapshot({ ...parts, record, version });
}
