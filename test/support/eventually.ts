/**
 * Waiting in real time: for what Redis, a provider or another process decides.
 *
 * The only place where a test lets time pass. Where a part takes a clock, move
 * the clock instead (clock.ts); where something can be awaited, await it.
 *
 * @module
 */

const stepMs = 10;

/**
 * Waits until `condition` neither throws nor answers `false`, and gives its
 * answer. So it takes both a question (`() => queue.length === 3`) and a claim
 * (`() => expect(queue).toHaveLength(3)`).
 *
 * Rejects `limitMs` after the call, naming the last reason why not.
 */
export async function eventually<T>(condition: () => T | Promise<T>, limitMs = 5_000): Promise<Awaited<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const outcome = await attempt(condition, end - performance.now());
    if (outcome.met) return outcome.value;
    if (performance.now() >= end) throw new Error(`not so within ${limitMs} ms`, { cause: outcome.reason });
    await pause(stepMs);
  }
}

/** Lets `ms` pass. For slow peers (a drip, a slow reader) only; to wait for something, use {@link eventually}. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Gives what `work` gives, or rejects with `what` in the message after `limitMs`: no test hangs without a name for it. */
export async function within<T>(limitMs: number, { work, what }: { work: Promise<T>; what: string }): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

type Outcome<T> = { readonly met: true; readonly value: T } | { readonly met: false; readonly reason: unknown };

/** One try. A condition that hangs counts as not met when the limit is reached. */
async function attempt<T>(condition: () => T | Promise<T>, leftMs: number): Promise<Outcome<Awaited<T>>> {
  try {
    const work = Promise.resolve(condition());
    const value = await within(Math.max(1, leftMs), { work, what: 'the condition' });
    return value === false ? { met: false, reason: 'the condition is false' } : { met: true, value };
  } catch (reason) {
    return { met: false, reason };
  }
}
