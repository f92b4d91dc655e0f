/**
 * The family of a user agent, in words that a person knows their device by.
 *
 * Of the header nothing else is kept: whole it would tell devices of one person
 * apart for good. It is a claim of the client and decides nothing.
 *
 * @module
 */

type Family = readonly [name: string, sign: RegExp];

// In this order: most browsers also name those they descend from.
const browsers: readonly Family[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//],
  ['Safari', /\bVersion\/[\d.]+.*\bSafari\//],
];

const systems: readonly Family[] = [
  ['Android', /\bAndroid\b/],
  ['iOS', /\b(?:iPhone|iPad|iPod)\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
];

/** Only the beginning is looked at: a longer header is not a browser's. */
const longest = 512;

/** `Firefox on Linux`, `Firefox`, or `Unknown browser`: from a closed set of words, never a part of the header itself. */
export function agentFamily(userAgent: string | undefined): string {
  const text = (userAgent ?? '').slice(0, longest);
  const browser = nameIn(browsers, text) ?? 'Unknown browser';
  const system = nameIn(systems, text);
  return system === undefined ? browser : `${browser} on ${system}`;
}

function nameIn(families: readonly Family[], text: string): string | undefined {
  return families.find(([, sign]) => sign.test(text))?.[0];
}
