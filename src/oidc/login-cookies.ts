/**
 * The cookies of a sign-in under way: one for each pending transaction, and one
 * that counts starts.
 *
 * SameSite=Lax, so that the authorization server's redirect brings them, HttpOnly,
 * ten minutes at the most, and few: what is beyond four goes in the same answer
 * that adds one (CK-04, LS-28).
 *
 * @module
 */

import { pairsIn } from '../http/cookie-pairs.ts';
import type { Frontend } from '../http/frontend.ts';
import type { LoginKeys } from './login-keys.ts';
import {
  hashOf,
  type LoginTransaction,
  openTransaction,
  sealTransaction,
  suffixOf,
  type TransactionSeal,
} from './transaction.ts';

/** Pending sign-ins that one browser may have, the newest included. */
const maxPending = 4;
/** Cookies of our name that are opened in one request; whoever sends more made them himself. */
const maxOpened = 32;

/** Reads and writes the cookies of one frontend. */
export class LoginCookies {
  readonly #frontend: Frontend;
  readonly #seal: TransactionSeal;

  constructor(frontend: Frontend, keys: LoginKeys) {
    this.#frontend = frontend;
    this.#seal = { keys, frontendId: frontend.id };
  }

  /** The transaction of `state` in this browser; `undefined` when there is none that is alive. */
  find(
    header: string | undefined,
    { state, now }: { readonly state: string; readonly now: number },
  ): LoginTransaction | undefined {
    const stateHash = hashOf(state);
    const name = this.#nameFor(stateHash);
    const values = pairsIn(header).filter((pair) => pair.name === name);
    const [only, second] = values;
    if (only === undefined || second !== undefined) return undefined; // a name that comes twice is an attack (CK-06)
    const transaction = openTransaction(only.value, { suffix: suffixOf(stateHash), seal: this.#seal, now });
    return transaction?.stateHash === stateHash ? transaction : undefined;
  }

  /** `Set-Cookie` lines that add a transaction to those of `header`, and take away what is beyond the bound or dead. */
  add(
    transaction: LoginTransaction,
    { header, now }: { readonly header: string | undefined; readonly now: number },
  ): readonly string[] {
    const name = this.#nameFor(transaction.stateHash);
    const others = this.#pending(header, now).filter((other) => other.name !== name);
    const gone = others.sort((left, right) => right.startedAt - left.startedAt).slice(maxPending - 1);
    const value = sealTransaction(transaction, this.#seal);
    return [this.#line(name, { value, maxAge: 600 }), ...gone.map((other) => this.#line(other.name, gonePart))];
  }

  /** The `Set-Cookie` line that takes the transaction of a `state` away. */
  remove(state: string): string {
    return this.#line(this.#nameFor(hashOf(state)), gonePart);
  }

  /** The value of the cookie that counts starts. */
  starts(header: string | undefined): string | undefined {
    const values = pairsIn(header).filter(({ name }) => name === this.#frontend.cookies.starts);
    return values.length === 1 ? values[0]?.value : undefined;
  }

  /** The `Set-Cookie` line with a new count of starts; it is of no use after ten seconds. */
  startsLine(value: string): string {
    return this.#line(this.#frontend.cookies.starts, { value, maxAge: 60 });
  }

  // Those that do not open are dead already, and older than all.
  #pending(header: string | undefined, now: number): { readonly name: string; readonly startedAt: number }[] {
    const { loginPrefix } = this.#frontend.cookies;
    const named = pairsIn(header).filter(
      ({ name }) => name.startsWith(loginPrefix) && name.length === loginPrefix.length + 8,
    );
    return named.slice(0, maxOpened).map(({ name, value }) => {
      const suffix = name.slice(loginPrefix.length);
      return { name, startedAt: openTransaction(value, { suffix, seal: this.#seal, now })?.startedAt ?? 0 };
    });
  }

  #nameFor(stateHash: string): string {
    return this.#frontend.cookies.loginPrefix + suffixOf(stateHash);
  }

  // Taken away with the attributes it was set with: a browser keeps a prefixed name otherwise (CK-12).
  #line(name: string, { value, maxAge }: { readonly value: string; readonly maxAge: number }): string {
    return `${name}=${value}; Max-Age=${maxAge}; Path=/; HttpOnly; SameSite=Lax${this.#frontend.secure ? '; Secure' : ''}`;
  }
}

const gonePart = { value: '', maxAge: 0 } as const;
