/**
 * Whether browsers take two origins for the same site, as well as that can be told
 * without the list of public suffixes. It only warns: who is wrong about it loses
 * a line in the log, not a check.
 *
 * @module
 */

import { isIP } from 'node:net';

/** Suffixes of two labels under which everybody may have a name: those of countries, and those of large hosts. */
const shared =
  /^(?:(?:ac|co|com|edu|gob|gov|go|ne|net|or|org)\.[a-z]{2}|github\.io|gitlab\.io|pages\.dev|workers\.dev|web\.app|vercel\.app|netlify\.app|herokuapp\.com|onrender\.com|fly\.dev|azurewebsites\.net|cloudfront\.net|appspot\.com)$/;

/**
 * Same scheme; and one host is the other or below it, or both share all but their
 * first label and that is not known to be everybody's. Addresses are a site each.
 */
export function isProbablySameSite(origin: string, other: string): boolean {
  const [left, right] = [new URL(origin), new URL(other)];
  if (left.protocol !== right.protocol) return false;
  if (left.hostname === right.hostname) return true;
  if (isAddress(left.hostname) || isAddress(right.hostname)) return false;
  return isBelow(left.hostname, right.hostname) || isBelow(right.hostname, left.hostname) || areSiblings(left, right);
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}

function isBelow(host: string, other: string): boolean {
  return host.endsWith(`.${other}`);
}

function areSiblings(left: URL, right: URL): boolean {
  const parent = parentOf(left.hostname);
  return parent === parentOf(right.hostname) && parent.includes('.') && !shared.test(parent);
}

function parentOf(host: string): string {
  return host.split('.').slice(1).join('.');
}
