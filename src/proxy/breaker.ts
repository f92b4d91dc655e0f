/**
 * Whether an upstream is asked at all: no longer once half of its recent calls
 * failed, and again when one that was let through has gone well.
 *
 * The counting is cockatiel's; the states are ours, since its policy lets calls
 * wait for the one that tries, and costs a closure and two promises each.
 *
 * What a client brings about is never counted: calls that it broke off, bodies
 * that came too slowly. See docs/decisions/0016.
 *
 * @module
 */

import { CircuitState, SamplingBreaker } from 'cockatiel';
import type { Clock } from '../base/clock.ts';

/** When a breaker opens and for how long. */
export interface BreakerLimits {
  /** The share of failures among the calls of the last ten seconds with traffic, from 0 to 1. */
  readonly threshold: number;
  /** Calls in that time below which nothing is concluded. */
  readonly leastCalls: number;
  /** How long it stays open at first, in ms; each trial that fails doubles it. */
  readonly openMs: number;
  readonly mostOpenMs: number;
}

/** Limits that serve most deployments. */
export const usualBreakerLimits: BreakerLimits = {
  threshold: 0.5,
  leastCalls: 10,
  openMs: 5_000,
  mostOpenMs: 60_000,
};

/** What became of a call. `unknown`: its client left, or nothing was learnt of the upstream. */
export type Outcome = 'success' | 'failure' | 'unknown';

/** What a call holds that was let through: ordinary, or the one that tries whether the upstream is back. */
export type Pass = 'ordinary' | 'trial';

const sampledMs = 10_000;

/** A trial that is not decided after this, in ms, keeps others from trying no longer. */
const trialMs = 10_000;

/** What a breaker is made with. */
export interface BreakerParts {
  readonly clock: Clock;
  readonly limits: BreakerLimits;
  /** Told when it opens and when it closes. */
  readonly onChange: (state: 'failed' | 'recovered') => void;
}

/** The breaker of one upstream. */
export class Breaker {
  readonly #parts: BreakerParts;
  #counts: SamplingBreaker;
  #isOpen = false;
  #openedAt = 0;
  #openMs: number;
  #trialSince: number | undefined;

  constructor(parts: BreakerParts) {
    this.#parts = parts;
    this.#openMs = parts.limits.openMs;
    this.#counts = countsFor(parts.limits);
  }

  /** Whether calls are refused, but for those that try. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Seconds until the next trial, at least 1: for `Retry-After`. */
  get retryAfter(): number {
    const leftMs = this.#openedAt + this.#openMs - this.#parts.clock.elapsed();
    return Math.max(1, Math.ceil(leftMs / 1_000));
  }

  /** Whether it would let a call through now. */
  get admits(): boolean {
    if (!this.#isOpen) return true;
    const now = this.#parts.clock.elapsed();
    const isTried = this.#trialSince !== undefined && now - this.#trialSince < trialMs;
    return now - this.#openedAt >= this.#openMs && !isTried;
  }

  /** Lets a call through or not (`undefined`). Who holds a pass calls {@link settle} once. */
  admit(): Pass | undefined {
    if (!this.#isOpen) return 'ordinary';
    if (!this.admits) return undefined;
    this.#trialSince = this.#parts.clock.elapsed();
    return 'trial';
  }

  /** Takes back a pass, with what became of the call. */
  settle(pass: Pass, outcome: Outcome): void {
    if (pass === 'trial') this.#settleTrial(outcome);
    else if (this.#isOpen || outcome === 'unknown')
      return; // a call from before it opened says nothing new
    else if (outcome === 'success') this.#counts.success(CircuitState.Closed);
    else if (this.#counts.failure(CircuitState.Closed)) this.#open();
  }

  #settleTrial(outcome: Outcome): void {
    this.#trialSince = undefined;
    if (!this.#isOpen || outcome === 'unknown') return;
    if (outcome === 'success') this.#close();
    else {
      this.#openedAt = this.#parts.clock.elapsed();
      this.#openMs = Math.min(this.#parts.limits.mostOpenMs, this.#openMs * 2);
    }
  }

  #open(): void {
    this.#isOpen = true;
    this.#openedAt = this.#parts.clock.elapsed();
    this.#openMs = this.#parts.limits.openMs;
    this.#parts.onChange('failed');
  }

  #close(): void {
    this.#isOpen = false;
    this.#counts = countsFor(this.#parts.limits);
    this.#parts.onChange('recovered');
  }
}

function countsFor({ threshold, leastCalls }: BreakerLimits): SamplingBreaker {
  // Left unset, it would take 100 calls a second before it concludes anything.
  return new SamplingBreaker({ threshold, duration: sampledMs, minimumRps: (leastCalls * 1_000) / sampledMs });
}
