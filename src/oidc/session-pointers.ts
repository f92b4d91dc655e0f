/**
 * Pointers from a browser to the sessions that it began, so that one which another
 * replaces is ended although the browser could not show its cookie.
 *
 * The session cookie is SameSite=Strict: it does not come along when the
 * authorization server leads the browser back, so the callback cannot see which
 * session it is about to replace. Each sign-in therefore leaves a second cookie,
 * SameSite=Lax, that names the session in the store, sealed. It opens nothing: who
 * has it can have that session ended by signing in, and no more. Each session has a
 * cookie of its own name, since two callbacks at once see nothing of each other.
 *
 * docs/decisions/0014 has the reasons, and what was left aside.
 *
 * @module
 */

import { pairsIn } from '../http/cookie-pairs.ts';
import type { Frontend } from '../http/frontend.ts';
import type { LoginKeys } from './login-keys.ts';
import { hashOf, suffixOf } from './transaction.ts';

/** Pointers that are followed in one request. A browser has one, or a few after sign-ins at once; whoever sends more made them. */
const mostFollowed = 8;
/** Pointers that are taken away in one answer. */
const mostRemoved = 16;

/** Reads and writes the pointers of one frontend. */
export class SessionPointers {
  readonly #frontend: Frontend;
  readonly #keys: LoginKeys;

  constructor(frontend: Frontend, keys: LoginKeys) {
    this.#frontend = frontend;
    this.#keys = keys;
  }

  /** The names in the store of the sessions that this browser began, alive or not; nothing that we did not seal. */
  idsIn(header: string | undefined): readonly string[] {
    const opened = this.#named(header)
      .slice(0, mostFollowed)
      .flatMap(({ name, value }) => this.#open(name, value) ?? []);
    return [...new Set(opened)];
  }

  /** `Set-Cookie` lines that point to the session `id`, and to no other of those in `header`. */
  point(id: string, header: string | undefined): readonly string[] {
    const name = this.#nameFor(id);
    const value = this.#keys.seal(id, this.#purpose);
    return [...this.#removals(header, name), this.#line(name, value)];
  }

  /** `Set-Cookie` lines that take every pointer of `header` away. */
  remove(header: string | undefined): readonly string[] {
    return this.#removals(header);
  }

  #removals(header: string | undefined, except?: string): readonly string[] {
    const names = new Set(this.#named(header).map(({ name }) => name));
    return [...names]
      .filter((name) => name !== except)
      .slice(0, mostRemoved)
      .map((name) => `${this.#line(name, '')}; Max-Age=0`);
  }

  #named(header: string | undefined) {
    const { pointerPrefix } = this.#frontend.cookies;
    const pointerName = /^[A-Za-z0-9_-]{8}$/; // what goes into an answer is a name of ours
    return pairsIn(header).filter(
      ({ name }) => name.startsWith(pointerPrefix) && pointerName.test(name.slice(pointerPrefix.length)),
    );
  }

  #open(name: string, value: string): string | undefined {
    const id = this.#keys.open(value, this.#purpose);
    return id !== undefined && this.#nameFor(id) === name ? id : undefined;
  }

  #nameFor(id: string): string {
    return this.#frontend.cookies.pointerPrefix + suffixOf(hashOf(id));
  }

  get #purpose(): string {
    return `session pointer 1\0${this.#frontend.id}`;
  }

  // It goes with the browser, as the session cookie does, and has the attributes of the login transactions.
  #line(name: string, value: string): string {
    return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${this.#frontend.secure ? '; Secure' : ''}`;
  }
}
