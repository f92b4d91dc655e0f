/**
 * How often a sign-in may be started (LS-28): five times in ten seconds by one
 * browser, thirty by one address without cookies. It ends redirect loops, and
 * keeps a flood from the authorization server.
 *
 * A browser is known by a small cookie that holds the instants of its last starts
 * under our mark, so a count costs no store. A cookie can be sent again and again
 * as it was; therefore browsers are counted by address too, with a bound that a
 * whole office does not reach. Addresses are counted in the memory of this
 * process.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { allow, type Decision, deny } from '../guards/decision.ts';
import { networkOf } from '../guards/party.ts';
import type { LoginKeys } from './login-keys.ts';

/** What is known of who starts. */
export interface StartFacts {
  /** The value of the cookie; whatever was sent. */
  readonly startsCookie: string | undefined;
  readonly address: string;
}

/** The decision, and the cookie's next value where the start was allowed. */
export type StartDecision = Decision & { readonly startsCookie?: string };

/** What the limit is made from. */
export interface LoginLimitOptions {
  readonly keys: LoginKeys;
  readonly frontendId: string;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
}

const windowMs = 10_000;
const perBrowser = 5;
const perAddress = { withoutCookie: 30, withCookie: 300 } as const;
/** Addresses that are remembered; then the one that was seen first is forgotten. */
const maxAddresses = 4_096;

/** Counts starts. */
export class LoginLimit {
  readonly #options: LoginLimitOptions;
  readonly #counts = { withoutCookie: new RecentStarts(), withCookie: new RecentStarts() } as const;

  constructor(options: LoginLimitOptions) {
    this.#options = options;
  }

  /** Counts one start, unless it is one too many. */
  check({ startsCookie, address }: StartFacts): StartDecision {
    const { clock } = this.#options;
    const now = clock.now();
    const earlier = this.#read(startsCookie);
    const recent = (earlier ?? []).filter((instant) => instant > now - windowMs && instant <= now + windowMs);
    if (recent.length >= perBrowser) return deny('login-rate-exceeded');
    const group = earlier === undefined ? 'withoutCookie' : 'withCookie';
    const isFew = this.#counts[group].add(networkOf(address), { now: clock.elapsed(), limit: perAddress[group] });
    if (!isFew) return deny('login-rate-exceeded');
    return { ...allow, startsCookie: this.#write([...recent, now]) };
  }

  // Instants in ms, base 36, joined by dots, and our mark.
  #write(instants: readonly number[]): string {
    const text = instants.map((instant) => instant.toString(36)).join('.');
    return `${text}.${this.#options.keys.mark(text, this.#purpose())}`;
  }

  #read(cookie: string | undefined): readonly number[] | undefined {
    const [, text, mark] = /^((?:[0-9a-z]{1,10}\.){0,4}[0-9a-z]{1,10})\.([A-Za-z0-9_-]{11})$/.exec(cookie ?? '') ?? [];
    if (text === undefined || mark === undefined) return undefined;
    if (!this.#options.keys.isMarked(text, { mark, purpose: this.#purpose() })) return undefined;
    return text.split('.').map((part) => Number.parseInt(part, 36));
  }

  #purpose(): string {
    return `login starts\0${this.#options.frontendId}`;
  }
}

/** The last instants by key, in bounded memory. */
class RecentStarts {
  readonly #instants = new Map<string, number[]>();

  /** Whether `key` had less than `limit` within the window; counts this one then. */
  add(key: string, { now, limit }: { readonly now: number; readonly limit: number }): boolean {
    const recent = (this.#instants.get(key) ?? []).filter((instant) => instant > now - windowMs);
    if (recent.length >= limit) return false;
    const [oldest] = this.#instants.keys();
    if (!this.#instants.has(key) && this.#instants.size >= maxAddresses && oldest !== undefined)
      this.#instants.delete(oldest);
    this.#instants.set(key, [...recent, now]);
    return true;
  }
}
