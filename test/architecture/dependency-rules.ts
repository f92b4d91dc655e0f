/**
 * What may be installed: the packages of production with the reason for each, and
 * what the lock file must say of every package.
 *
 * A dependency is added by decision: who maintains it, what it pulls in, its
 * door (import-rules.ts), how we would leave it.
 *
 * @module
 */

import type { Violation } from './source-files.ts';

/** Why each package of production is there. A new one needs a row here and a page in docs/decisions. */
export const productionReasons: Readonly<Record<string, string>> = {
  cockatiel: 'opens a circuit when an upstream or the provider keeps failing, and probes it with back-off',
  'connect-redis': 'the store of express-session, over an adapter of ours that hashes, seals and writes conditionally',
  cors: 'answers preflights and sets the headers; refusing foreign origins is our guard',
  csurf: 'the synchronizer token; installed as its maintained rewrite, @dr.pogodin/csurf',
  express: 'the shell of the auth routes',
  'express-session': 'signs the session cookie, on the auth routes only',
  helmet: 'the security headers of every answer',
  'http-proxy-middleware': 'upgrades and the page upstream, behind our own gate',
  jose: 'keys and signatures: logout tokens, client assertions, key sets',
  'lru-cache': 'bounded local caches with an end for each entry',
  'openid-client': 'the protocol, with our checks after it',
  pino: 'writes log lines fast; what may be written is ours',
  'prom-client': 'the text format of Prometheus and the metrics of the process',
  redis: 'the client, with server-assisted invalidation',
  undici: 'HTTP to upstreams and to the provider, with deadlines and without decompression',
  yaml: 'reads the rules file, with positions for its faults',
  zod: 'one schema for settings: types, messages, JSON Schema',
};

/** A package as the lock file has it. */
export interface LockEntry {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** `packages` of the lock file: path to entry. */
export type Lock = Readonly<Record<string, LockEntry>>;

/** What production may use. The last two are permissive and unusual: NOTICE names them. */
const productionLicences = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'];

/** What only development may use besides: never shipped, never changed. */
const developmentLicences = [
  ...productionLicences,
  'MPL-2.0',
  'MIT OR Apache-2.0',
  'CC0-1.0',
  'Unlicense',
  'Python-2.0',
  'CC-BY-4.0',
];

/** The first version without a known hole, and what it was. */
const floors: Readonly<Record<string, readonly [version: string, hole: string]>> = {
  'express-session': ['1.18.2', 'header injection through on-headers'],
  'on-headers': ['1.1.0', 'CVE-2025-7339'],
  cookie: ['0.7.0', 'CVE-2024-47764'],
  qs: ['6.16.0', 'CVE-2026-82417, CVE-2026-82562'],
  'body-parser': ['2.2.1', 'CVE-2025-13466'],
  undici: ['8.9.0', 'CVE-2026-13697 and the set of March 2026'],
  'http-proxy-middleware': ['4.2.0', 'CVE-2026-55602, CVE-2026-55603'],
};

/** The entry's real name: an alias is told by `name`. */
export function packageOf(path: string, entry: LockEntry): string {
  return entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** Every rule on a lock file. */
export function lockViolations(lock: Lock): readonly Violation[] {
  const installed = Object.entries(lock).filter(([path, entry]) => path.includes('node_modules/') && !entry.link);
  return [...installed.flatMap(([path, entry]) => entryViolations(path, entry)), ...missingOptionals(lock)];
}

function entryViolations(path: string, entry: LockEntry): readonly Violation[] {
  const name = packageOf(path, entry);
  const licences = entry.dev ? developmentLicences : productionLicences;
  const floor = floors[name];
  const faults = [
    entry.integrity?.startsWith('sha512-') ? [] : 'has no sha512 integrity',
    entry.resolved === undefined ? [] : 'names where it came from: other mirrors must do as well',
    entry.hasInstallScript ? 'runs a script when it is installed' : [],
    licences.includes(entry.license ?? '') ? [] : `has the licence ${entry.license ?? '(none)'}`,
    name === 'csurf' ? 'is the archived csurf, not its maintained rewrite' : [],
    floor && isOlder(entry.version ?? '', floor[0]) ? `is ${entry.version}; ${floor[1]} needs ${floor[0]}` : [],
  ].flat();
  return faults.map((text) => ({ subject: path, text }));
}

/** npm drops from the lock what a mirror lacks, and the next `npm ci` then fails. */
function missingOptionals(lock: Lock): readonly Violation[] {
  const known = new Set(
    Object.keys(lock).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
  );
  return Object.entries(lock).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !known.has(name))
      .map((name) => ({
        subject: `${path || '(root)'} -> ${name}`,
        text: 'this optional dependency has no entry of its own',
      })),
  );
}

/** Compares release numbers; what is behind a hyphen (a pre-release) counts as older. */
export function isOlder(version: string, floor: string): boolean {
  const [release = '', pre] = version.split('-');
  const own = release.split('.').map(Number);
  const least = floor.split('.').map(Number);
  for (const [index, number] of least.entries()) {
    if ((own[index] ?? 0) !== number) return (own[index] ?? 0) < number;
  }
  return pre !== undefined;
}

/** Packages of production without a reason here, and reasons without a package. */
export function productionViolations(dependencies: readonly string[]): readonly Violation[] {
  const known = Object.keys(productionReasons);
  return [
    ...dependencies
      .filter((name) => !known.includes(name))
      .map((name) => ({ subject: name, text: 'was added without a reason' })),
    ...known
      .filter((name) => !dependencies.includes(name))
      .map((name) => ({ subject: name, text: 'has a reason but is not there' })),
  ];
}
