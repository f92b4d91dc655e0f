/**
 * What a route that allows caching says to caches: the upstream's words, as far as
 * they are known, and none that would let a shared cache keep what a session got.
 *
 * @module
 */

/** What decides it. */
export interface Cacheable {
  readonly method: string;
  /** `Cache-Control` of the upstream. */
  readonly value: string | readonly string[] | undefined;
  /** Whether the answer may be for one person only. */
  readonly isPersonal: boolean;
}

/** RFC 9111, 5.2.2, and RFC 5861 and 8246, without those that name fields: no cache keeps to them. */
const directive =
  /^(?:max-age=\d{1,10}|s-maxage=\d{1,10}|stale-while-revalidate=\d{1,10}|stale-if-error=\d{1,10}|no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|must-understand|private|public|immutable)$/;

/** They speak to shared caches. */
const shared = /^(?:s-maxage=.*|proxy-revalidate|public|private)$/;

/** The `Cache-Control` for the browser; `no-store` where the upstream says nothing, or what is not understood. */
export function cacheControl({ method, value, isPersonal }: Cacheable): string {
  if (value === undefined || (method !== 'GET' && method !== 'HEAD')) return 'no-store';
  const said = [value].flat().join(',').split(',');
  const words = said.map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
  if (words.length === 0 || !words.every((word) => directive.test(word))) return 'no-store';
  if (!isPersonal) return words.join(', ');
  return ['private', ...words.filter((word) => !shared.test(word))].join(', ');
}
