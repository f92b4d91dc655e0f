/**
 * JSON objects from outside, read so that nobody else can read them differently.
 *
 * `JSON.parse` takes the last of two members with one name, other parsers the
 * first; a token with two `sub` is two persons (RFC 7519, 4; IT-34). So the text
 * is read a second time for its names alone, and a repeated one is refused, at
 * any depth.
 *
 * @module
 */

/** An object of JSON whose members nobody has checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Why a text was not read. */
export type JsonFault = 'malformed' | 'not-an-object' | 'too-deep' | 'duplicate-member';

/** Thrown for a text that is not one unambiguous JSON object. */
export class JsonError extends Error {
  readonly reason: JsonFault;

  constructor(reason: JsonFault, cause?: unknown) {
    super(`JSON refused: ${reason}`, { cause });
    this.name = 'JsonError';
    this.reason = reason;
  }
}

/** Deeper than any metadata or claims we know of. */
const maxDepth = 32;

/** Reads one JSON object. Throws {@link JsonError}. */
export function parseJsonObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonError('malformed', error);
  }
  if (!isJsonObject(value)) throw new JsonError('not-an-object');
  refuseAmbiguity(text);
  return value;
}

/** Whether a value of JSON is an object: not a list, not `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a place of valid JSON: a bracket, a comma, a colon, or a whole string. Everything else has no say here. */
const tokens = /[{}[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"/g;

/** One open bracket; `names` of an object that were seen so far, `undefined` for a list. */
interface Level {
  readonly names: Set<string> | undefined;
  /** Whether the next string is a name. */
  atName: boolean;
}

// Sound only for text that JSON.parse took: the grammar is not checked again.
function refuseAmbiguity(text: string): void {
  const levels: Level[] = [];
  for (const [token] of text.matchAll(tokens)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length >= maxDepth) throw new JsonError('too-deep');
      levels.push({ names: token === '{' ? new Set() : undefined, atName: token === '{' });
    } else if (token === '}' || token === ']') levels.pop();
    else if (level?.names === undefined) continue;
    else if (token === ',') level.atName = true;
    else if (token === ':') level.atName = false;
    else if (level.atName) addName(level.names, token);
  }
}

function addName(names: Set<string>, literal: string): void {
  const name = String(JSON.parse(literal)); // unescaped: "\u0073ub" is "sub"
  if (names.has(name)) throw new JsonError('duplicate-member');
  names.add(name);
}
