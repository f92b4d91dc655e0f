/**
 * The request target, read once and strictly.
 *
 * What is accepted has one reading only: it is origin-form (RFC 9112, 3.2.1) and
 * already in the normal form of RFC 3986, 6.2.2, so the text that routes are
 * matched against is the text that the upstream gets. Everything another parser
 * could read otherwise is refused, not repaired.
 *
 * @module
 */

/** What is wrong with a target. One stable word each, for the log. */
export type TargetFault =
  | 'target-too-long'
  | 'target-not-origin-form'
  | 'target-character'
  | 'target-fragment'
  | 'path-backslash'
  | 'path-parameter'
  | 'path-empty-segment'
  | 'path-dot-segment'
  | 'path-percent-malformed'
  | 'path-encoded-control'
  | 'path-encoded-delimiter'
  | 'path-encoded-unreserved'
  | 'path-encoded-twice'
  | 'path-not-utf8';

/** A target in its two parts, both byte for byte as received. */
export interface Target {
  readonly path: string;
  /** With its `?`, or empty. */
  readonly search: string;
}

/** Bytes. Longer targets are refused with 414. */
export const longestTarget = 8192;

const slash = 0x2f;
const percent = 0x25;

/**
 * The parts of a target, or what is wrong with it.
 *
 * A slash at the end is allowed, since it has one meaning everywhere. Hex digits
 * may be of either case: no route can tell them apart (proxy/routes.ts).
 */
export function parseTarget(raw: string): Target | TargetFault {
  if (raw.length > longestTarget) return 'target-too-long';
  if (raw.charCodeAt(0) !== slash) return 'target-not-origin-form';
  const mark = raw.indexOf('?');
  const path = mark < 0 ? raw : raw.slice(0, mark);
  const search = mark < 0 ? '' : raw.slice(mark);
  return faultOfPath(path) ?? faultOfQuery(search) ?? { path, search };
}

// Without a percent code the name stands there as it is.
const suspicious = /access_token|%/i;
const tokenParameter = /^access_token(?:$|\[)/i;

/**
 * Whether a query has a parameter `access_token`, in any spelling that a server
 * decodes to that name (RFC 6750, 2.3). A token in a URL ends in logs and histories.
 */
export function carriesAccessToken(search: string): boolean {
  if (search === '' || !suspicious.test(search)) return false;
  return search
    .slice(1)
    .split(/[&;]/)
    .some((pair) => tokenParameter.test(decoded(pair.split('=', 1)[0] ?? '')));
}

// Lenient on purpose: this looks for a name, it does not decide what the query means.
function decoded(name: string): string {
  return name
    .replace(/%([0-9a-f]{2})/gi, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\+/g, ' ')
    .trim();
}

function faultOfPath(path: string): TargetFault | undefined {
  let segment = 1;
  for (let at = 1; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code === slash) {
      if (at === segment) return 'path-empty-segment';
      if (isDots(path, { start: segment, end: at })) return 'path-dot-segment';
      segment = at + 1;
    } else if (code === percent) {
      const read = readEncoded(path, at);
      if (typeof read === 'string') return read;
      at += read - 1;
    } else if (plain[code] !== 1) {
      return faultOfPlain(code);
    }
  }
  return isDots(path, { start: segment, end: path.length }) ? 'path-dot-segment' : undefined;
}

function faultOfQuery(search: string): TargetFault | undefined {
  for (let at = 0; at < search.length; at++) {
    const code = search.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return 'target-character';
    if (code === 0x23) return 'target-fragment';
  }
  return undefined;
}

/** 1 for each ASCII character that may stand in a path as it is. "<>^`{} are not among them: WHATWG parsers encode them. */
const plain = Uint8Array.from({ length: 128 }, (_item, code) =>
  /[A-Za-z0-9._~!$&'()*+,=:@|[\]-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

function faultOfPlain(code: number): TargetFault {
  if (code === 0x23) return 'target-fragment';
  if (code === 0x5c) return 'path-backslash';
  // Parameters of a segment: some servers cut them off before they look at the segment ("/..;/").
  return code === 0x3b ? 'path-parameter' : 'target-character';
}

function isDots(path: string, { start, end }: { readonly start: number; readonly end: number }): boolean {
  const length = end - start;
  if (length !== 1 && length !== 2) return false;
  return path.charCodeAt(start) === 0x2e && path.charCodeAt(end - 1) === 0x2e;
}

/** How many characters of the path the encoded character at `at` takes, or what is wrong with it. */
function readEncoded(path: string, at: number): number | TargetFault {
  const byte = byteAt(path, at);
  if (byte < 0) return 'path-percent-malformed';
  if (byte >= 0x80) return readUtf8(path, at);
  if (byte < 0x20 || byte === 0x7f) return 'path-encoded-control';
  if (byte === slash || byte === 0x5c || byte === 0x23 || byte === 0x3f || byte === 0x3b)
    return 'path-encoded-delimiter';
  // RFC 3986, 6.2.2.2: the normal form writes an unreserved character plainly. This covers "%2e" and "%61dmin".
  if (isUnreserved(byte)) return 'path-encoded-unreserved';
  // "%252e": whoever decodes once more sees "%2e".
  return byte === percent && isHexPair(path, at + 3) ? 'path-encoded-twice' : 3;
}

// RFC 3629, 4. Overlong forms ("%c0%af" for a slash), surrogates and what lies beyond U+10FFFF are no UTF-8.
function readUtf8(path: string, at: number): number | TargetFault {
  const first = byteAt(path, at);
  const second = byteAt(path, at + 3);
  if (first < 0xc2 || first > 0xf4 || !isContinuation(second)) return 'path-not-utf8';
  if (first < 0xe0) return first === 0xc2 && second < 0xa0 ? 'path-encoded-control' : 6;
  if (!isContinuation(byteAt(path, at + 6))) return 'path-not-utf8';
  if (first < 0xf0) {
    const isOverlong = first === 0xe0 && second < 0xa0;
    const isSurrogate = first === 0xed && second > 0x9f;
    return isOverlong || isSurrogate ? 'path-not-utf8' : 9;
  }
  const isOutside = (first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f);
  return isOutside || !isContinuation(byteAt(path, at + 9)) ? 'path-not-utf8' : 12;
}

function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

/** The value of the percent code at `at`, or -1 when there is none. */
function byteAt(path: string, at: number): number {
  if (path.charCodeAt(at) !== percent) return -1;
  const high = hexValue(path.charCodeAt(at + 1));
  const low = hexValue(path.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function isHexPair(path: string, at: number): boolean {
  return hexValue(path.charCodeAt(at)) >= 0 && hexValue(path.charCodeAt(at + 1)) >= 0;
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f || code === 0x7e;
}
