/**
 * A `Cookie` header as pairs, for the few routes that look for cookies by the
 * beginning of their names. Every request's own cookies are read by cookies.ts.
 *
 * @module
 */

/** A cookie as it was sent; neither part is decoded. */
export interface CookiePair {
  readonly name: string;
  readonly value: string;
}

/** All pairs in their order. Names are as they are, case-sensitive (RFC 6265bis, 5.4); a part without `=` is no cookie of ours. */
export function pairsIn(header: string | undefined): readonly CookiePair[] {
  return (header ?? '').split(';').flatMap((part) => {
    const at = part.indexOf('=');
    return at === -1 ? [] : [{ name: part.slice(0, at).trim(), value: part.slice(at + 1).trim() }];
  });
}
