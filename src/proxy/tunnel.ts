/**
 * An open WebSocket between a browser and an upstream: bytes both ways, with
 * back-pressure, until one of them ends it or we do.
 *
 * When we do, nothing of the browser goes through any more, and a close frame is
 * put to the browser at the next border between two frames, so that its page
 * learns why (RFC 6455, 7.4). Where no border comes the connection is broken.
 *
 * It reads no message, and knows nothing of sessions.
 *
 * @module
 */

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Cancel, Clock } from '../base/clock.ts';
import { randomSecretBytes } from '../base/random.ts';
import { closeFrame, type Farewell, FrameBorders } from './frame-borders.ts';

/** Who ended it. */
export type TunnelEnd = 'browser' | 'upstream' | 'session' | 'shutdown';

/** Why we end it, and what the browser is told. */
export interface Stop extends Farewell {
  readonly end: TunnelEnd;
}

/** The session is over: the page should ask `GET /session`. */
export const sessionOver: Stop = { end: 'session', code: 4401, reason: 'signed out' };
/** This process ends: the page should connect again. */
export const goingAway: Stop = { end: 'shutdown', code: 1001, reason: 'going away' };

/** How long the end of a frame is waited for before the connection is broken, ms. */
export const borderWaitMs = 200;
/** How long the last words may take to leave before the connection is broken, ms. */
const farewellMs = 500;
/** The same where a side has ended by itself and nothing is hurried, ms. */
const lastBytesMs = 5_000;
/** A peer that has vanished is found out by TCP, not by silence: that is no fault. */
const keepAliveMs = 30_000;

/** Both ends. */
export interface TunnelEnds {
  readonly browser: Socket;
  readonly upstream: Duplex;
  /** What the browser sent behind its handshake. */
  readonly head: Buffer;
  readonly clock: Pick<Clock, 'after'>;
}

/** How it went. */
export interface TunnelReport {
  readonly end: TunnelEnd;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** One open WebSocket. */
export class Tunnel {
  readonly #ends: TunnelEnds;
  readonly #onClosed: (report: TunnelReport) => void;
  readonly #up = new FrameBorders();
  readonly #down = new FrameBorders();
  #bytesUp = 0;
  #bytesDown = 0;
  #end: TunnelEnd | undefined;
  #stop: Stop | undefined;
  #saidFarewell = false;
  #cancelBreak: Cancel | undefined;
  #openSides = 2;

  /** Begins at once. `onClosed` is called once, when neither connection is left. */
  constructor(ends: TunnelEnds, onClosed: (report: TunnelReport) => void) {
    this.#ends = ends;
    this.#onClosed = onClosed;
    const { browser, upstream, head } = ends;
    this.#attend(upstream, 'upstream');
    this.#attend(browser, 'browser');
    upstream.on('data', (chunk: Buffer) => this.#toBrowser(chunk));
    browser.on('data', (chunk: Buffer) => this.#toUpstream(chunk));
    browser.on('drain', () => upstream.resume());
    upstream.on('drain', () => browser.resume());
    if (head.length > 0) this.#toUpstream(head);
    upstream.resume();
    browser.resume();
  }

  /** Ends it within 700 ms. */
  stop(stop: Stop): void {
    if (this.#stop !== undefined) return;
    this.#stop = stop;
    this.#end ??= stop.end;
    const { browser, upstream, clock } = this.#ends;
    browser.resume(); // what it still sends is read and dropped, so that its end is seen
    if (this.#up.isAtBorder && !this.#up.isClosed && upstream.writable)
      upstream.write(closeFrame(goingAway, randomSecretBytes(4)));
    if (this.#down.isAtBorder) this.#sayFarewell(stop);
    else this.#breakAfter(borderWaitMs, clock);
  }

  #attend(side: Duplex, name: TunnelEnd): void {
    if ('setKeepAlive' in side) tune(side as Socket); // sockets of net and tls have it, other streams do not
    side.on('error', () => side.destroy());
    side.once('end', () => this.#windUp(name));
    side.once('close', () => {
      this.#windUp(name);
      this.#openSides -= 1;
      if (this.#openSides === 0) this.#report();
    });
  }

  #toBrowser(chunk: Buffer): void {
    if (this.#saidFarewell) return;
    const { browser, upstream } = this.#ends;
    const border = this.#down.pass(chunk);
    const isLast = this.#stop !== undefined && border !== undefined;
    const passed = isLast ? chunk.subarray(0, border) : chunk;
    this.#bytesDown += passed.length;
    if (!browser.writable) return;
    const isTaken = browser.write(passed);
    if (this.#stop !== undefined && isLast) this.#sayFarewell(this.#stop);
    else if (!isTaken) upstream.pause();
  }

  #toUpstream(chunk: Buffer): void {
    const { browser, upstream } = this.#ends;
    if (this.#stop !== undefined || !upstream.writable) return;
    this.#up.pass(chunk);
    this.#bytesUp += chunk.length;
    if (!upstream.write(chunk)) browser.pause();
  }

  #sayFarewell(stop: Stop): void {
    this.#saidFarewell = true;
    const { browser, upstream, clock } = this.#ends;
    if (browser.writable && !this.#down.isClosed) browser.write(closeFrame(stop));
    browser.end();
    upstream.resume(); // as with the browser
    upstream.end();
    this.#breakAfter(farewellMs, clock);
  }

  // A WebSocket has no half-closed state: whichever side goes first, the other follows with what is on its way.
  #windUp(first: TunnelEnd): void {
    this.#end ??= first;
    const { browser, upstream, clock } = this.#ends;
    if (browser.writable) browser.end();
    if (upstream.writable) upstream.end();
    if (this.#cancelBreak === undefined) this.#breakAfter(lastBytesMs, clock);
  }

  #breakAfter(ms: number, clock: Pick<Clock, 'after'>): void {
    this.#cancelBreak?.();
    this.#cancelBreak = clock.after(ms, () => {
      this.#ends.browser.destroy();
      this.#ends.upstream.destroy();
    });
  }

  #report(): void {
    this.#cancelBreak?.();
    this.#onClosed({ end: this.#end ?? 'browser', bytesUp: this.#bytesUp, bytesDown: this.#bytesDown });
  }
}

function tune(socket: Socket): void {
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
}
