/**
 * Has sessions that are held compared with the store ahead of their end, beside the
 * requests and a few at a time: many that were read in one moment end in one moment,
 * and nobody shall wait behind that.
 *
 * @module
 */

/** How many are under way at once. */
const mostUnderWay = 8;

/** A queue of cookies in which each stands once. */
export class Comparisons {
  readonly #compare: (cookie: string) => Promise<unknown>;
  /** Those that wait and those under way. */
  readonly #asked = new Set<string>();
  readonly #waiting: string[] = [];
  #underWay = 0;

  constructor(compare: (cookie: string) => Promise<unknown>) {
    this.#compare = compare;
  }

  /** Has the session of `cookie` compared when its turn comes. */
  ask(cookie: string): void {
    if (this.#asked.has(cookie)) return;
    this.#asked.add(cookie);
    this.#waiting.push(cookie);
    this.#begin();
  }

  #begin(): void {
    while (this.#underWay < mostUnderWay) {
      const cookie = this.#waiting.shift();
      if (cookie === undefined) return;
      this.#underWay += 1;
      void this.#run(cookie);
    }
  }

  // A failure is that of the next request that finds the end passed: it asks by itself.
  async #run(cookie: string): Promise<void> {
    await this.#compare(cookie).catch(() => undefined);
    this.#underWay -= 1;
    this.#asked.delete(cookie);
    this.#begin();
  }
}
