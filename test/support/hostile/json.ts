/**
 * JSON values and the way a switch changes them.
 *
 * Every switch of the hostile provider is either a value or a function that is
 * given the honest value. This file knows how both are applied, and how to write
 * JSON texts that no serialiser would write (a member twice, deep nesting).
 *
 * @module
 */

import type { LoggedRequest } from './log.ts';

/** A JSON object whose members nobody has checked. */
export type JsonObject = Record<string, unknown>;

/**
 * Changes to a JSON object. An object is laid over the honest one: its members
 * replace, and a member that is `undefined` removes. A function is given the
 * honest object and answers with the whole new one.
 */
export type Changes = JsonObject | ((honest: JsonObject, request: LoggedRequest | undefined) => JsonObject);

/** A value that replaces the honest one, or a function from the honest one to the new one. */
export type Switch<T> = T | ((honest: T, request: LoggedRequest | undefined) => T);

/** What decides how an honest value is changed: the switch, and the request it is for (none for tokens built by hand). */
export interface Change<S> {
  readonly by: S | undefined;
  readonly request?: LoggedRequest | undefined;
}

/** The object after `by`; the honest one where `by` is absent. Members that are `undefined` are gone. */
export function changedObject(honest: JsonObject, { by, request }: Change<Changes>): JsonObject {
  const changed = typeof by === 'function' ? by(structuredClone(honest), request) : { ...honest, ...by };
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
}

/** The value after `by`; the honest one where `by` is absent. `T` must not be a function type. */
export function changedValue<T>(honest: T, { by, request }: Change<Switch<T>>): T {
  if (by === undefined) return honest;
  // `as`: T is never a function, so a function here is always the changing kind, which the compiler cannot know.
  return typeof by === 'function' ? (by as (honest: T, request: LoggedRequest | undefined) => T)(honest, request) : by;
}

/** Writes the member a second time at the end of the text of a JSON object, so that a parser that takes the last sees `value`. */
export function repeatMember(name: string, value: unknown): (json: string) => string {
  return (json) => json.replace(/}\s*$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`);
}

/** Writes the member once more at the beginning, so that a parser that takes the first sees `value`. */
export function repeatMemberFirst(name: string, value: unknown): (json: string) => string {
  return (json) => json.replace(/^\s*{/, `{${JSON.stringify(name)}:${JSON.stringify(value)},`);
}

/** Adds a member `name` that holds `depth` arrays inside one another. */
export function nestMember(name: string, depth: number): (json: string) => string {
  return (json) => json.replace(/}\s*$/, `,${JSON.stringify(name)}:${'['.repeat(depth)}${']'.repeat(depth)}}`);
}
