/**
 * The login transaction: what must be remembered between `/login` and the
 * callback. Pure; the time is handed in.
 *
 * It lies in a cookie of its own, sealed for the `state` it belongs to, so it is
 * bound to the browser, cannot be read or exchanged, and costs no store (RFC 9700,
 * 4.7.1). `state` itself carries nothing but chance, the attempt and our mark.
 *
 * @module
 */

import { createHash, createHmac } from 'node:crypto';
import { randomSecretBytes, randomToken } from '../base/random.ts';
import { derivedDpopKey } from '../keys/dpop-key.ts';
import type { LoginKeys } from './login-keys.ts';

/** 1 when the transaction of a first try was missing at the callback, and this is the one retry. */
export type Attempt = 0 | 1;

/** The session that was live when the sign-in began. */
export interface PreviousSession {
  readonly sessionId: string;
  /** {@link personOf} its issuer and subject. */
  readonly person: string;
}

/** A sign-in under way. */
export interface LoginTransaction {
  /** {@link hashOf} the `state` it belongs to. */
  readonly stateHash: string;
  /** 256 random bits, base64url; nonce and verifier are derived from them. */
  readonly seed: string;
  /** Ms. */
  readonly startedAt: number;
  /** Where the browser was sent (RFC 9700, 4.4.2). */
  readonly issuer: string;
  /** As return-path.ts gave it. */
  readonly returnPath: string;
  readonly attempt: Attempt;
  readonly previous?: PreviousSession | undefined;
  readonly prompt?: string | undefined;
  /** Seconds, as asked for. */
  readonly maxAge?: number | undefined;
  /** Space-separated, as asked for. */
  readonly acrValues?: string | undefined;
}

/** What seals and opens: the keys, and whose cookie it is. */
export interface TransactionSeal {
  readonly keys: LoginKeys;
  /** A transaction of one frontend is nothing at another. */
  readonly frontendId: string;
}

/** How long a sign-in may take (LS-28). */
export const transactionLifetimeMs = 10 * 60_000;

/** 256 bits for a new transaction. */
export function randomSeed(): string {
  return randomSecretBytes(32).toString('base64url');
}

/** A new `state`: the attempt, 256 random bits, and our mark on both; 55 characters of base64url. */
export function createState(attempt: Attempt, { keys, frontendId }: TransactionSeal): string {
  const text = `${attempt}${randomToken(256)}`;
  return text + keys.mark(text, statePurpose(frontendId));
}

const stateForm = /^([01])[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{11}$/;

/** Which attempt a `state` belongs to; `undefined` when we did not make it. */
export function attemptOf(state: string, { keys, frontendId }: TransactionSeal): Attempt | undefined {
  const digit = stateForm.exec(state)?.[1];
  if (digit === undefined) return undefined;
  const isOurs = keys.isMarked(state.slice(0, -11), { mark: state.slice(-11), purpose: statePurpose(frontendId) });
  if (!isOurs) return undefined;
  return digit === '0' ? 0 : 1;
}

/** The nonce of a transaction: 43 characters (LS-05). */
export function nonceOf({ seed }: Pick<LoginTransaction, 'seed'>): string {
  return derived(seed, 'nonce');
}

/** The PKCE code verifier of a transaction: 43 characters with 256 bits (RFC 7636, 4.1). */
export function verifierOf({ seed }: Pick<LoginTransaction, 'seed'>): string {
  return derived(seed, 'code verifier');
}

/** The key that the tokens of a transaction are bound to, as keys/dpop-key.ts writes it. */
export function dpopKeyFrom({ seed }: Pick<LoginTransaction, 'seed'>): string {
  return derivedDpopKey(Buffer.from(derived(seed, 'dpop key'), 'base64url'));
}

/** The S256 challenge of a transaction (RFC 7636, 4.2). */
export function challengeOf(transaction: Pick<LoginTransaction, 'seed'>): string {
  return createHash('sha256').update(verifierOf(transaction)).digest('base64url');
}

/** What stands for a person where only sameness counts. */
export function personOf({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return createHash('sha256').update(`${issuer}\0${subject}`).digest('base64url');
}

/** SHA-256 of a `state`, base64url: under it the state is found again, and from it nobody finds the state. */
export function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url');
}

/** What the cookie of a transaction is called after: 8 characters of the hash of its `state`. */
export function suffixOf(stateHash: string): string {
  return stateHash.slice(0, 8);
}

/** Seals a transaction for its cookie. */
export function sealTransaction(transaction: LoginTransaction, { keys, frontendId }: TransactionSeal): string {
  return keys.seal(JSON.stringify(transaction), cookiePurpose(suffixOf(transaction.stateHash), frontendId));
}

/** Opens what lay in the cookie of that suffix; `undefined` for what we did not seal for it, and when it is too old at `now`. */
export function openTransaction(
  sealed: string,
  { suffix, seal, now }: { readonly suffix: string; readonly seal: TransactionSeal; readonly now: number },
): LoginTransaction | undefined {
  const text = seal.keys.open(sealed, cookiePurpose(suffix, seal.frontendId));
  if (text === undefined) return undefined;
  const transaction = JSON.parse(text) as LoginTransaction; // sealed by us, for this purpose alone
  return isAlive(transaction, now) ? transaction : undefined;
}

function isAlive({ startedAt }: LoginTransaction, now: number): boolean {
  return now < startedAt + transactionLifetimeMs && startedAt <= now + 60_000; // another instance's clock may be ahead
}

function derived(seed: string, label: string): string {
  return createHmac('sha256', Buffer.from(seed, 'base64url')).update(`claimcheck login ${label}`).digest('base64url');
}

function statePurpose(frontendId: string): string {
  return `state\0${frontendId}`;
}

// The version is part of the purpose: what an older release sealed in another form does not open, and the sign-in begins anew.
function cookiePurpose(suffix: string, frontendId: string): string {
  return `login transaction 1\0${frontendId}\0${suffix}`;
}
