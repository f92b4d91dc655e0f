/**
 * The host by which a port of this machine is called.
 *
 * @module
 */

/** `host` as it stands in a URL. The address that stands for all is one to listen on, not one to call. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
