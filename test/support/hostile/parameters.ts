/**
 * Parameters of a response that goes through the browser.
 *
 * @module
 */

import type { Change, Switch } from './json.ts';

/** Parameters by name; a list sends a parameter several times, `undefined` leaves it out. */
export type ResponseParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Name and value pairs as they are sent; a list becomes several. */
export function parameterPairs(parameters: ResponseParameters): readonly (readonly [string, string])[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    const values = typeof value === 'string' ? [value] : (value ?? []);
    return values.map((each) => [name, each] as const);
  });
}

/** What goes behind a URI, and where. */
export interface UriAddition {
  readonly parameters: ResponseParameters;
  /** The query by default. */
  readonly part?: 'query' | 'fragment' | undefined;
}

/** The URI with the parameters behind it; its own query stays. */
export function withParameters(uri: string, { parameters, part = 'query' }: UriAddition): string {
  const text = new URLSearchParams(parameterPairs(parameters).map(([name, value]) => [name, value])).toString();
  if (text === '') return uri;
  if (part === 'fragment') return `${uri}#${text}`;
  return `${uri}${uri.includes('?') ? '&' : '?'}${text}`;
}

/** Parameters after a switch: an object is laid over the honest ones, a function makes new ones. */
export function changedParameters(
  honest: ResponseParameters,
  { by, request }: Change<Switch<ResponseParameters>>,
): ResponseParameters {
  return typeof by === 'function' ? by(honest, request) : { ...honest, ...by };
}
