/**
 * A `Set-Cookie` line as a browser reads it (RFC 6265bis, 5.6).
 *
 * @module
 */

/** What `SameSite` says; `default` when it says nothing. */
export type SameSite = 'strict' | 'lax' | 'none' | 'default';

/** The parts of a `Set-Cookie` line. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** Lower case, without a leading dot; empty when there is none. */
  readonly domain: string;
  /** As it stands; `undefined` when it is missing or does not begin with a slash. */
  readonly path: string | undefined;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite;
  /** Instant in ms; `undefined` for a cookie that ends with the browser. */
  readonly expiresAt: number | undefined;
}

const longestPair = 4096;
const longestAttribute = 1024;
const longestLifeMs = 400 * 24 * 3_600_000;

/** Reads a line, or says why a browser ignores it. `now` in ms decides what `Max-Age` means. */
export function parseSetCookie(line: string, now: number): SetCookie | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what the rule is about
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return 'it holds a control character';
  const [pair = '', ...rest] = line.split(';');
  const equals = pair.indexOf('=');
  const name = equals < 0 ? '' : pair.slice(0, equals).trim();
  const value = (equals < 0 ? pair : pair.slice(equals + 1)).trim();
  if (name === '' && value === '') return 'it has neither name nor value';
  if (name === '' && /^__(secure|host|http)-/i.test(value)) return 'a cookie without a name poses as one with a prefix';
  if (Buffer.byteLength(name) + Buffer.byteLength(value) > longestPair)
    return `name and value are longer than ${longestPair} bytes`;
  return { name, value, ...attributesOf(rest, now) };
}

type Attributes = Omit<SetCookie, 'name' | 'value'>;

function attributesOf(parts: readonly string[], now: number): Attributes {
  const found = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const key = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : part.slice(equals + 1).trim();
    if (Buffer.byteLength(value) <= longestAttribute) found.set(key, value); // the last of a name wins
  }
  const path = found.get('path');
  return {
    domain: (found.get('domain') ?? '').replace(/^\./, '').toLowerCase(),
    path: path?.startsWith('/') ? path : undefined,
    secure: found.has('secure'),
    httpOnly: found.has('httponly'),
    sameSite: sameSiteOf(found.get('samesite')),
    expiresAt: endOf(found, now),
  };
}

function sameSiteOf(value = ''): SameSite {
  const lower = value.toLowerCase();
  return lower === 'strict' || lower === 'lax' || lower === 'none' ? lower : 'default';
}

/** Max-Age wins over Expires; neither reaches beyond 400 days. */
function endOf(found: ReadonlyMap<string, string>, now: number): number | undefined {
  const age = found.get('max-age') ?? '';
  if (/^-?\d+$/.test(age)) return Number(age) <= 0 ? 0 : Math.min(now + Number(age) * 1000, now + longestLifeMs);
  const date = Date.parse(found.get('expires') ?? '');
  return Number.isNaN(date) ? undefined : Math.min(date, now + longestLifeMs);
}
