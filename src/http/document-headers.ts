/**
 * The security headers that only say how a document is shown or kept.
 *
 * They say nothing of data that a script asked for, and are the third part of what
 * an answer of an API would carry: there they stand only beside content that a
 * browser might show as a page (see proxy/response.ts).
 *
 * @module
 */

/** As helmet sets them on every answer, by turns name and value. */
export const documentHeaders = [
  ...['Cross-Origin-Opener-Policy', 'same-origin'],
  ...['Origin-Agent-Cluster', '?1'],
  ...['X-DNS-Prefetch-Control', 'off'],
  ...['X-Download-Options', 'noopen'],
  ...['X-Permitted-Cross-Domain-Policies', 'none'],
  ...['X-XSS-Protection', '0'],
] as const;

const names: ReadonlySet<string> = new Set(documentHeaders.filter((_item, at) => at % 2 === 0));

/** Whether a header, named as helmet names it, is one of them. */
export function isDocumentHeader(name: string): boolean {
  return names.has(name);
}
