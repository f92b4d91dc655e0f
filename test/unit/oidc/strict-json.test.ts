/**
 * Reading JSON so that no two readers can differ.
 */

import { describe, expect, it } from 'vitest';
import { JsonError, parseJsonObject } from '../../../src/oidc/strict-json.ts';

function faultOf(text: string): string | undefined {
  try {
    parseJsonObject(text);
    return undefined;
  } catch (error) {
    if (error instanceof JsonError) return error.reason;
    throw error;
  }
}

describe('parseJsonObject', () => {
  it('IT-34: reads an object whose names are all different', () => {
    const text = '{"sub":"alice","aud":["a","a"],"x":{"sub":"y","list":[{"a":1},{"a":2}]},"s":"a\\":{\\"sub\\":1,"}';

    expect(parseJsonObject(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['a name twice', '{"sub":"alice","sub":"bob"}'],
    ['a name twice with the same value', '{"sub":"alice","sub":"alice"}'],
    ['a name twice, once escaped', '{"sub":"alice","\\u0073ub":"bob"}'],
    ['a name twice, far apart', '{"sub":"alice","x":{"y":[1,{"z":null}]},"t":true,"sub":"bob"}'],
    ['a name twice, with white space', '{ "sub" : 1 ,\n\t"sub" : 2 }'],
    ['a name twice, inside', '{"x":{"a":1,"a":2}}'],
    ['a name twice, inside a list', '{"x":[{"b":1},{"a":1,"a":2}]}'],
    ['an empty name twice', '{"":1,"":2}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
    ['a name that holds brackets, twice', '{"{[\\"":1,"{[\\"":2}'],
  ])('IT-34: refuses %s', (_case, text) => {
    expect(faultOf(text)).toBe('duplicate-member');
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it.each([
    ['a list', '[]', 'not-an-object'],
    ['null', 'null', 'not-an-object'],
    ['a number', '1', 'not-an-object'],
    ['a string', '"{}"', 'not-an-object'],
    ['nothing', '', 'malformed'],
    ['half of it', '{"a":1', 'malformed'],
    ['something behind it', '{} {}', 'malformed'],
    ['a comment', '{/**/}', 'malformed'],
    ['33 levels', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`, 'too-deep'],
    ['100 000 lists in one another', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'too-deep'],
  ])('CB-25: refuses %s', (_case, text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('CB-25: reads 32 levels', () => {
    expect(faultOf(`${'{"a":'.repeat(32)}1${'}'.repeat(32)}`)).toBeUndefined();
  });

  it('IT-32: keeps a member named __proto__ a plain member', () => {
    const value = parseJsonObject('{"__proto__":{"admin":true},"sub":"alice"}');

    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('admin' in value).toBe(false);
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
  });

  it('reads a megabyte in little time, whatever stands in it', () => {
    const began = performance.now();
    for (const piece of ['"\\\\', '{', '[[', 'a":"', '\\"']) {
      const text = JSON.stringify({ a: piece.repeat(200_000) });
      expect(faultOf(text)).toBeUndefined();
    }
    expect(performance.now() - began).toBeLessThan(4_000);
  });
});
