/**
 * The texts of settings as values, each read by the type of its own setting.
 *
 * @module
 */

import type { Given } from './environment.ts';
import { type Fault, missing } from './faults.ts';
import { settingNames, settingOf, type Values } from './schema.ts';

/** The values, and what is wrong with the others. */
export interface ReadValues {
  readonly values: Values;
  readonly faults: readonly Fault[];
}

/** Reads them all. What was not given has its default; what cannot be read has a fault and no value. */
export function valuesOf({ texts, faults: before }: Pick<Given, 'texts' | 'faults'>): ReadValues {
  const values: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const unread = namesOf(before);
  for (const name of settingNames) {
    const setting = settingOf(name);
    const text = texts[name] ?? setting.default;
    if (text === undefined) {
      if (setting.needed === 'always' && !unread.has(name)) faults.push(missing(name, setting));
      continue;
    }
    const result = setting.type.safeParse(text);
    if (result.success) values[name] = result.data;
    else faults.push({ name, sentence: result.error.issues[0]?.message ?? 'is not valid.' });
  }
  return { values: values as Values, faults }; // each value was made by the type of its own setting
}

/** The settings that have a fault. */
export function namesOf(faults: readonly Fault[]): ReadonlySet<string> {
  return new Set(faults.map(({ name, setting }) => setting ?? name));
}
