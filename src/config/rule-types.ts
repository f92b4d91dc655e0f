/**
 * The forms that values of the rules file are made of, and what is said of a value
 * that has another one.
 *
 * @module
 */

import { z } from 'zod';
import type { Read } from './values.ts';

/** A fault and its place in the file. */
export interface RulesFault {
  /** E.g. `routes[0].path`; `undefined` for the whole file. */
  readonly place?: string | undefined;
  readonly sentence: string;
}

/** A text that `read` understands; a value of another type is told the same. */
export function text<Value>(read: (text: string) => Read<Value>) {
  const error = () => expectationOf(read);
  return z.string({ error }).refine((value) => 'value' in read(value), { error });
}

/** What `read` expects, as the sentence of a fault. It does not depend on what was given: no reader repeats it. */
export function expectationOf<Value>(read: (text: string) => Read<Value>): string {
  const result = read('');
  return 'expected' in result ? `must be ${result.expected}` : 'is not valid';
}

/** What is said of a value that is not an object, a list or a text at all. */
export function saying(sentence: string) {
  return { error: ({ code }: { readonly code?: string }) => (code === 'invalid_type' ? sentence : undefined) };
}
