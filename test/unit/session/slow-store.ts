/**
 * A store in memory that counts what it is asked, answers when the test says so, and
 * can keep changes to itself.
 *
 * @module
 */

import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import type { ChangedListener, EndedListener, SessionState, StoredSession } from '../../../src/session/store.ts';

/** A store whose reads are counted, and whose answers to them can be held back. */
export class SlowStore extends MemorySessionStore {
  /** Of whole sessions. */
  reads = 0;
  /** Of states alone. */
  looks = 0;
  /** Looks that are not answered yet, at most so far. */
  mostLooksAtOnce = 0;
  #looksUnderWay = 0;
  touches = 0;
  override isInTouch = true;
  /** Whether it tells nobody of changes: they were made elsewhere, and the news is on its way. */
  isMute = false;
  #held: PromiseWithResolvers<void> | undefined;
  #asked = Promise.withResolvers<void>();

  /** What is read from now on is answered when the returned function is called. */
  hold(): () => void {
    const held = Promise.withResolvers<void>();
    this.#held = held;
    this.#asked = Promise.withResolvers();
    return () => {
      this.#held = undefined;
      held.resolve();
    };
  }

  /** Once something is read that is held back. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Holds back nothing that is read from now on. */
  pass(): void {
    this.#held = undefined;
  }

  readonly #told: ChangedListener[] = [];

  /** Tells that changes may have been missed. */
  tellGap(): void {
    for (const listener of this.#told) listener(undefined);
  }

  override onChanged(listener: ChangedListener): () => void {
    this.#told.push(listener);
    return super.onChanged((id) => {
      if (!this.isMute) listener(id);
    });
  }

  override onEnded(listener: EndedListener): () => void {
    return super.onEnded((id, reason) => {
      if (!this.isMute) listener(id, reason);
    });
  }

  override async read(id: string): Promise<StoredSession | undefined> {
    this.reads += 1;
    const held = this.#held?.promise;
    const stored = await super.read(id);
    this.#asked.resolve();
    await held;
    return stored;
  }

  override async readState(id: string): Promise<SessionState | undefined> {
    this.looks += 1;
    this.mostLooksAtOnce = Math.max(this.mostLooksAtOnce, ++this.#looksUnderWay);
    const held = this.#held?.promise;
    const state = await super.readState(id);
    this.#asked.resolve();
    await held;
    this.#looksUnderWay -= 1;
    return state;
  }

  override touch(...activity: Parameters<MemorySessionStore['touch']>): Promise<boolean> {
    this.touches += 1;
    return super.touch(...activity);
  }
}
