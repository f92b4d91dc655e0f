/**
 * Writes that no replica has confirmed: made again on the next master, or once the same
 * one is in reach again. A bounded list in this process; what dies with the process is
 * not made again (docs/redis.md says what that means).
 *
 * @module
 */

/** At most this many are kept; the oldest give way. */
const mostWrites = 10_000;

/** The list of them. */
export class UnconfirmedWrites {
  readonly #writes = new Set<() => Promise<boolean>>();

  get size(): number {
    return this.#writes.size;
  }

  /** Keeps a write that may be made twice. `again` resolves to whether a replica has it now. Gives false when an older one had to go. */
  add(again: () => Promise<boolean>): boolean {
    const [oldest] = this.#writes;
    const isFull = this.#writes.size >= mostWrites && oldest !== undefined;
    if (isFull) this.#writes.delete(oldest);
    this.#writes.add(again);
    return !isFull;
  }

  /** Makes all of them again; keeps what is still not confirmed. Does not reject. */
  async repeat(): Promise<void> {
    await Promise.all(
      [...this.#writes].map(async (again) => {
        const isConfirmed = await again().catch(() => false);
        if (isConfirmed) this.#writes.delete(again);
      }),
    );
  }
}
