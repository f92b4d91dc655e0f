/**
 * The store that express-session writes through: connect-redis over our sessions.
 *
 * To express-session the id of a session is its secret, so this is where secret and
 * store part: what connect-redis asks of a Redis client is turned into calls of
 * {@link Sessions}, which hash, seal and write on conditions.
 *
 * express-session carries the cookie and nothing else. What a session holds never
 * stands in `req.session`: a session begins only with a beginning that was announced
 * for its secret, and a write of anything else is refused.
 *
 * @module
 */

import { RedisStore } from 'connect-redis';
import type { CookieOptions } from 'express-session';
import type { EndReason, OpenedSession } from './session.ts';
import type { Sessions } from './sessions.ts';
import type { SessionBeginning } from './sign-in.ts';

declare module 'express-session' {
  interface SessionData {
    /** Whether this session lies in the store, or was only made up for the request. */
    isStored: boolean;
  }
}

/** What the adapter asks of the sessions. */
type AskedSessions = Pick<Sessions, 'lookBySecret' | 'start' | 'end' | 'endBySecret'>;

/** A beginning that was announced, and the session once it was stored. */
interface Announced {
  readonly beginning: SessionBeginning;
  started?: Promise<OpenedSession>;
}

/**
 * A connect-redis store for one frontend. It has no `touch`: express-session would
 * hold back the end of each answer for it.
 */
export class ExpressSessionStore extends RedisStore {
  readonly #adapter: SessionClient;

  constructor(sessions: AskedSessions, cookie: CookieOptions) {
    const adapter = new SessionClient(sessions, cookie);
    super({ client: adapter, prefix: '', disableTTL: true, disableTouch: true });
    this.#adapter = adapter;
    // express-session asks whether there is a method, not whether it does something.
    Object.defineProperty(this, 'touch', { value: undefined });
  }

  /** Lets the next save under `secret` begin a session. Gives what takes the announcement back, once the answer is sent. */
  announce(secret: string, beginning: SessionBeginning): () => void {
    return this.#adapter.announce(secret, beginning);
  }

  /** The session that was begun under `secret`. Throws when none was: the save did not come this far. */
  begunUnder(secret: string): Promise<OpenedSession> {
    return this.#adapter.begunUnder(secret);
  }

  /** Says why the next `destroy` of `secret` happens; `undefined` when nothing lies in the store under it. */
  expectEnd(secret: string, reason: EndReason | undefined): void {
    this.#adapter.expectEnd(secret, reason);
  }
}

/** The part of a Redis client that connect-redis calls. A key is the secret of a session. */
class SessionClient {
  readonly #sessions: AskedSessions;
  readonly #stored: string;
  readonly #announced = new Map<string, Announced>();
  readonly #ends = new Map<string, EndReason | undefined>();

  constructor(sessions: AskedSessions, cookie: CookieOptions) {
    this.#sessions = sessions;
    this.#stored = JSON.stringify({ cookie: { ...cookie, originalMaxAge: null }, isStored: true });
  }

  announce(secret: string, beginning: SessionBeginning): () => void {
    this.#announced.set(secret, { beginning });
    return () => this.#announced.delete(secret);
  }

  async begunUnder(secret: string): Promise<OpenedSession> {
    const started = this.#announced.get(secret)?.started;
    if (started === undefined) throw new Error('this session was not begun');
    return started;
  }

  expectEnd(secret: string, reason: EndReason | undefined): void {
    this.#ends.set(secret, reason);
  }

  /** What express-session is told of a session: that it lies in the store. `null` when there is none. */
  async get(secret: string): Promise<string | null> {
    return (await this.#sessions.lookBySecret(secret)) === undefined ? null : this.#stored;
  }

  /** Begins the session that was announced; a second save of the same answer changes nothing. Anything else is refused. */
  async set(secret: string): Promise<'OK'> {
    const announced = this.#announced.get(secret);
    if (announced === undefined) throw new Error('express-session tried to write a session that nobody began');
    announced.started ??= this.#sessions.start(secret, announced.beginning);
    await announced.started;
    return 'OK';
  }

  /** Ends sessions. */
  async del(secrets: readonly string[]): Promise<number> {
    let count = 0;
    for (const secret of secrets) if (await this.#end(secret)) count += 1;
    return count;
  }

  async mGet(secrets: readonly string[]): Promise<readonly (string | null)[]> {
    return Promise.all(secrets.map((secret) => this.get(secret)));
  }

  /** Activity is noted by `sessions.open` alone, so this moves no end. Says whether the session lives. */
  async expire(secret: string): Promise<number> {
    return (await this.get(secret)) === null ? 0 : 1;
  }

  /** Secrets are not kept, so they cannot be listed: an empty list would say that nobody is signed in. */
  scanIterator(): never {
    throw new Error('sessions cannot be listed by their secrets: nobody has them but the browsers');
  }

  async #end(secret: string): Promise<boolean> {
    const reason = this.#ends.has(secret) ? this.#ends.get(secret) : 'revoked';
    this.#ends.delete(secret);
    return reason === undefined ? false : this.#sessions.endBySecret(secret, reason);
  }
}
