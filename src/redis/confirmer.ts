/**
 * Writes of which it is known whether a replica has them too: `WAIT` on a connection
 * of its own, since it holds up everything that is sent after it.
 *
 * `WAIT` speaks for all that its connection wrote before. So writes that come while one
 * is waited for are gathered and share the next, and a thousand sign-outs at once
 * cost no thousand waits.
 *
 * @module
 */

import type { Question, RedisNode } from './node.ts';

/** How long a replica is waited for, ms. */
const patienceMs = 200;

/** What a write gave, and whether a replica has it. False means: not known. */
export interface Confirmed<Reply> {
  readonly reply: Reply;
  readonly isConfirmed: boolean;
}

interface Write {
  readonly question: Question<unknown>;
  readonly resolve: (outcome: Confirmed<unknown>) => void;
  readonly reject: (cause: unknown) => void;
}

/** The confirmed writes to one master. */
export class Confirmer {
  readonly #node: RedisNode;
  #waiting: Write[] = [];
  #isBusy = false;

  constructor(node: RedisNode) {
    this.#node = node;
  }

  /** Writes, and waits up to 200 ms for a replica. Rejects only when the write itself failed, or may have. */
  run<Reply>(question: Question<Reply>): Promise<Confirmed<Reply>> {
    return new Promise<Confirmed<unknown>>((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (!this.#isBusy) void this.#work();
    }) as Promise<Confirmed<Reply>>; // the answer to this very question
  }

  /** Closes its connection. */
  close(): void {
    this.#node.close();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const writes = this.#waiting;
      this.#waiting = [];
      await this.#round(writes);
    }
    this.#isBusy = false;
  }

  // Does not reject: each write has its own outcome.
  async #round(writes: readonly Write[]): Promise<void> {
    const outcomes = await Promise.allSettled(
      writes.map(({ question }) => this.#node.ask('a confirmed write', question)),
    );
    const isConfirmed = outcomes.some(({ status }) => status === 'fulfilled') && (await this.#isReplicated());
    for (const [place, { resolve, reject }] of writes.entries()) {
      const outcome = outcomes[place];
      if (outcome?.status === 'fulfilled') resolve({ reply: outcome.value, isConfirmed });
      else reject(outcome?.reason);
    }
  }

  // Any failure here is "not known": the write took place, and whoever asked for it is answered.
  #isReplicated(): Promise<boolean> {
    return this.#node
      .ask('WAIT', (send) => send(['WAIT', '1', String(patienceMs)]))
      .then(
        (replicas) => typeof replicas === 'number' && replicas >= 1,
        () => false,
      );
  }
}
