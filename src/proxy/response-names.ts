/**
 * Which headers of an upstream's answer go no further. A table.
 *
 * @module
 */

/** RFC 9110, 7.6.1 and its forerunners: they belong to one connection. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** What would speak for our origin: cookies, sign-in, other sites' rights, the browser's memory of us. */
const speaksForUs = [
  'accept-ch',
  'activate-storage-access',
  'alt-svc',
  'authentication-info',
  'clear-site-data',
  'content-security-policy',
  'content-security-policy-report-only',
  'critical-ch',
  'document-policy',
  'dpop-nonce',
  'expect-ct',
  'feature-policy',
  'nel',
  'observe-browsing-topics',
  'origin-agent-cluster',
  'origin-trial',
  'permissions-policy',
  'referrer-policy',
  'refresh',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie',
  'set-cookie2',
  'set-login',
  'speculation-rules',
  'strict-transport-security',
  'supports-loading-mode',
  'timing-allow-origin',
  'use-as-dictionary',
  'www-authenticate',
  'x-content-type-options',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-error-source',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-request-id',
  'x-xss-protection',
];

/** Answers are not stored, so what tells caches how to is of no use and could be obeyed by one before us. */
const caching = [
  'age',
  'cache-control',
  'cdn-cache-control',
  'cloudflare-cdn-cache-control',
  'expires',
  'pragma',
  'surrogate-control',
  'surrogate-key',
];

/** What tells of the inside: products, versions, files, machines. */
const internal = [
  'refresh',
  'server',
  'server-timing',
  'sourcemap',
  'via',
  'x-backend',
  'x-backend-server',
  'x-cache',
  'x-generator',
  'x-host',
  'x-lighttpd-send-file',
  'x-original-url',
  'x-powered-by',
  'x-real-ip',
  'x-reproxy-url',
  'x-rewrite-url',
  'x-runtime',
  'x-sendfile',
  'x-served-by',
  'x-server',
  'x-sourcemap',
  'x-upstream',
  'x-varnish',
  'x-version',
];

const dropped: ReadonlySet<string> = new Set([...hopByHop, ...speaksForUs, ...caching, ...internal]);

const droppedPrefixes = [
  'access-control-',
  'cross-origin-',
  'proxy-',
  'public-key-pins',
  'sec-',
  'x-accel-',
  'x-aspnet',
  'x-debug-',
  'x-drupal',
  'x-envoy-',
  'x-forwarded-',
];

const wellFormed = /^[a-z0-9-]+$/;

/** Read by name for what they say, and written by us in our own form. */
const rewritten: ReadonlySet<string> = new Set([
  'content-length',
  'content-location',
  'content-type',
  'link',
  'location',
]);

/** Headers of a usual answer, so that the common case costs one look-up. */
const usual: ReadonlySet<string> = new Set([
  'accept-ranges',
  'allow',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-range',
  'date',
  'etag',
  'last-modified',
  'retry-after',
  'vary',
]);

/** Whether a header, its name in lower case, is passed to the browser as it is. */
export function isPassed(name: string): boolean {
  if (usual.has(name)) return true;
  if (dropped.has(name) || rewritten.has(name) || !wellFormed.test(name)) return false;
  return !droppedPrefixes.some((prefix) => name.startsWith(prefix));
}
