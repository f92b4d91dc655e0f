/**
 * How long things last: the session when nothing happens, the session in any
 * case, the access token. Counts down each second, and warns once a minute ahead.
 *
 * It counts from what `/session` said; it ends nothing. What has really ended is
 * for the server to say.
 *
 * @module
 */

import { byId } from './dom.js';

/** Seconds before the end at which a person is warned. */
const warningSeconds = 60;

/** How long to wait before asking again whether a session that should be over is. */
const askAgainMs = 2000;

/** Counts one session down and calls back when something is due. */
export class Countdown {
  #ends = {};
  #longest = {};
  #warned = false;
  #askedAt = 0;
  #timer;
  #onWarning;
  #onEnd;

  /**
   * @param onWarning Called once with the seconds left and whether activity helps, a minute before the end.
   * @param onEnd Called when the session should be over, and again as long as it is shown.
   */
  constructor({ onWarning, onEnd }) {
    this.#onWarning = onWarning;
    this.#onEnd = onEnd;
  }

  /** Starts anew from a session that was read just now. */
  set({ session, token }) {
    const now = Date.now();
    this.#ends = {
      idle: endOf(now, session.idle_expires_in),
      session: endOf(now, session.expires_in),
      token: endOf(now, token?.expires_in),
    };
    this.#longest.session = Math.max(1, (Date.parse(session.expires_at) - Date.parse(session.created_at)) / 1000);
    for (const name of ['idle', 'token']) {
      this.#longest[name] = Math.max(this.#longest[name] ?? 1, secondsUntil(this.#ends[name], now) ?? 1);
    }
    const left = this.#sessionSeconds(now);
    this.#warned = this.#warned && left <= warningSeconds;
    this.#timer ??= setInterval(() => this.#tick(), 1000);
    this.#tick();
  }

  /** Stops counting, and forgets the lengths: the next session is another. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#longest = {};
    this.#warned = false;
  }

  #tick() {
    const now = Date.now();
    for (const name of ['idle', 'session', 'token']) {
      show(name, { seconds: secondsUntil(this.#ends[name], now), longest: this.#longest[name] });
    }
    const left = this.#sessionSeconds(now);
    if (left <= 0 && now - this.#askedAt >= askAgainMs) {
      this.#askedAt = now;
      this.#onEnd();
    } else if (left > 0 && left <= warningSeconds) {
      const activityHelps = (secondsUntil(this.#ends.session, now) ?? Infinity) > warningSeconds;
      this.#onWarning({ seconds: left, activityHelps, first: !this.#warned });
      this.#warned = true;
    }
  }

  #sessionSeconds(now) {
    const known = [this.#ends.idle, this.#ends.session].map((end) => secondsUntil(end, now));
    return Math.min(...known.map((seconds) => seconds ?? Infinity));
  }
}

function endOf(now, seconds) {
  return typeof seconds === 'number' ? now + seconds * 1000 : undefined;
}

function secondsUntil(end, now) {
  return end === undefined ? undefined : Math.max(0, Math.round((end - now) / 1000));
}

function show(name, { seconds, longest }) {
  const timer = byId(`timer-${name}`);
  const words = timer.querySelector('[role="timer"]');
  words.textContent = wordsFor(name, seconds);
  timer.dataset.low = String(name !== 'token' && seconds !== undefined && seconds <= warningSeconds);
  // Through the object model: the content security policy forbids style attributes.
  timer.querySelector('i').style.inlineSize = `${Math.min(100, (100 * (seconds ?? 0)) / longest)}%`;
}

function wordsFor(name, seconds) {
  if (seconds === undefined) return 'not known';
  if (seconds === 0) return name === 'token' ? 'renews on use' : 'now';
  return clockOf(seconds);
}

/** `7:59:05`, or `1:04` below an hour. */
export function clockOf(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part) => String(part).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
