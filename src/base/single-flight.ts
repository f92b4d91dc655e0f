/**
 * One call for many that want the same at the same time.
 *
 * The key must name everything the result depends on, the owner included
 * (design rule 5): two users who share a key would share the answer.
 *
 * @module
 */

/** Runs one call per key at a time; those who come meanwhile share its outcome. */
export class SingleFlight<Value> {
  readonly #flights = new Map<string, Promise<Value>>();

  /** The outcome of the flight under `key`, started by `call` if none is under way. Failures are shared, not kept. */
  run(key: string, call: () => Promise<Value>): Promise<Value> {
    const underWay = this.#flights.get(key);
    if (underWay !== undefined) return underWay;
    const flight = call().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  /** How many flights are under way. */
  get size(): number {
    return this.#flights.size;
  }
}
