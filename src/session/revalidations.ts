/**
 * Revalidates what is held ahead of its end, beside the requests and a few at a time: many
 * sessions that were read in one moment end in one moment, and nobody shall wait behind that.
 *
 * @module
 */

/** How many are under way at once. */
const mostUnderWay = 8;

/** A queue in which each name stands once. */
export class Revalidations {
  readonly #revalidate: (name: string) => Promise<unknown>;
  /** Those that wait and those under way. */
  readonly #asked = new Set<string>();
  readonly #waiting: string[] = [];
  #underWay = 0;

  constructor(revalidate: (name: string) => Promise<unknown>) {
    this.#revalidate = revalidate;
  }

  /** Has `name` revalidated when its turn comes. Who asked last comes first; all have seconds. */
  ask(name: string): void {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    this.#waiting.push(name);
    this.#begin();
  }

  #begin(): void {
    while (this.#underWay < mostUnderWay) {
      const name = this.#waiting.pop();
      if (name === undefined) return;
      this.#underWay += 1;
      void this.#run(name);
    }
  }

  // A failure is that of the next request that finds the end passed: it asks by itself.
  async #run(name: string): Promise<void> {
    await this.#revalidate(name).catch(() => undefined);
    this.#underWay -= 1;
    this.#asked.delete(name);
    this.#begin();
  }
}
