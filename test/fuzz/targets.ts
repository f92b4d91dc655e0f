/**
 * Random request targets, and a second reading of them that owes nothing to the
 * first: by regular expressions and the decoders of the platform, where
 * src/http/path.ts goes byte by byte.
 *
 * @module
 */

import fc from 'fast-check';

/** A target in its two parts. */
export interface SecondReading {
  readonly path: string;
  readonly search: string;
}

const longest = 8192;
const shape = /^(?<path>(?:\/(?:[\w.~!$&'()*+,=:@|[\]-]|%[0-9A-Fa-f]{2})*)+)(?<search>(?:\?[!-"$-~]*)?)$/;
const unreserved = /^[\w.~-]$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The parts of a target that has one meaning everywhere, or `undefined`. */
export function readAgain(raw: string): SecondReading | undefined {
  const { path, search } = shape.exec(raw)?.groups ?? {};
  if (path === undefined || search === undefined || raw.length > longest) return undefined;
  const segments = path.slice(1).split('/');
  const isWhole = segments.slice(0, -1).every((segment) => segment !== '');
  return isWhole && segments.every(hasOneMeaning) ? { path, search } : undefined;
}

function hasOneMeaning(segment: string): boolean {
  const codes = segment.match(/%../g) ?? [];
  if (codes.some((code) => unreserved.test(decodeByte(code)))) return false;
  const decoded = decode(segment);
  if (decoded === undefined || decoded === '.' || decoded === '..') return false;
  // Whoever decodes once more must find nothing left to decode.
  if (/%[0-9A-Fa-f]{2}/.test(decoded)) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return !/[\x00-\x1f\x7f-\x9f/\\#?;]/.test(decoded);
}

function decodeByte(code: string): string {
  return String.fromCharCode(Number.parseInt(code.slice(1), 16));
}

function decode(segment: string): string | undefined {
  const bytes = Buffer.from(segment.replace(/%../g, decodeByte), 'latin1');
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined; // no UTF-8: every reader makes something else of it
  }
}

const pieces = [
  ...['/', '/', '/', 'a', 'orders', '7', 'x.y', '~', '-', '_', '@', ':', ',', '=', '&', '+', '*', '!', "'", '(', ')'],
  ...[
    '.',
    '..',
    '...',
    '%2e',
    '%2E',
    '.%2e',
    '%2e%2e',
    '%252e',
    '%25',
    '%25zz',
    '%2525',
    '%',
    '%%',
    '%z',
    '%4',
    '%u002e',
  ],
  ...[
    '%2f',
    '%5c',
    '%23',
    '%3f',
    '%3B',
    '%3a',
    '%40',
    '%20',
    '%7C',
    '%00',
    '%0a',
    '%0d%0a',
    '%7f',
    '%1F',
    '%41',
    '%5f',
  ],
  ...['%c3%a9', '%C3%A9', '%c0%af', '%c0%ae', '%e0%80%af', '%ed%a0%80', '%ef%bb%bf', '%f0%9f%98%80', '%f5%80%80%80'],
  ...[
    '%c2%85',
    '%e2%80%ae',
    '%fe',
    '%80',
    ';',
    ';v=1',
    '..;',
    '\\',
    '..\\',
    '#',
    '?',
    '??',
    '?a=b',
    '&a[]=1',
    '//',
    '/./',
  ],
  ...[
    '/../',
    '/api/',
    '/API/',
    ' ',
    '\t',
    'é',
    '\u00ff',
    '\u0001',
    '"',
    '<',
    '>',
    '^',
    '`',
    '{',
    '}',
    '|',
    '[',
    ']',
    '$',
  ],
];

const fromPieces = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
const fromBytes = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, fc.integer({ min: 0, max: 255 })), {
    maxLength: 40,
  })
  .map((bytes) => String.fromCharCode(...bytes));
const proper = fc
  .array(fc.stringMatching(/^(?:[a-z0-9_~-]|%c3%a9|%20|%25){1,6}$/), { minLength: 1, maxLength: 5 })
  .chain((segments) => fc.constantFrom('', '/', '?', '?a=1', '?a=%2F..%00&b').map((end) => segments.join('/') + end));

/** A proper one in which something was put, taken out or exchanged. */
const mutated = fc
  .tuple(proper, fc.nat(60), fc.constantFrom(...pieces, ''), fc.nat(3))
  .map(([text, at, piece, removed]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + piece + text.slice(place + removed);
  });

/** What may stand behind `/api/`, right or wrong: one character for each byte. */
export const targetEnd: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fromPieces },
  { weight: 1, arbitrary: fromBytes },
  { weight: 3, arbitrary: mutated },
  { weight: 1, arbitrary: proper },
);

/** Whole targets whose beginning tries to be `/api/` in another way, or is not. */
export const strangeTarget: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      ...['/%61pi/', '/API/', '/Api/', '//api/', '/./api/', '/x/../api/', '/api;x/', '/api%2f', '\\api\\', '/apix/'],
      ...['http://localhost/api/', 'http:/api/', 'api/', '*', '/api%00/', '/api\t/', '/;/api/', '/%2e/api/', '?/api/'],
    ),
    targetEnd,
  )
  .map((parts) => parts.join(''));
