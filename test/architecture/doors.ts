/**
 * Who may import whom, and what only one place may use. The rules are data, with
 * a reason each: an engineer who meets one learns why, and can argue with it in
 * docs/decisions.
 *
 * @module
 */

/** A folder, or a file beside them, may import those that stand before it. */
export const line = [
  ...['base', 'errors', 'config', 'http', 'redis', 'keys', 'audit', 'metrics', 'abuse', 'guards'],
  ...['proxy', 'session', 'oidc', 'token', 'api', 'stages', 'pipeline', 'app', 'workers', 'main'],
] as const;

/** Apart from the line: what each may import, and nothing else. */
export const islands: Readonly<Record<string, readonly string[]>> = {
  client: [],
  'resource-server': ['base', 'keys'],
  // `explain` leads a request through the parts that decide, not through a copy of them.
  cli: [
    'base',
    'errors',
    'config',
    'redis',
    'keys',
    'audit',
    'abuse',
    'session',
    'oidc',
    'guards',
    'http',
    'proxy',
    'stages',
    'api',
    'pipeline',
  ],
};

/** Published entry points: the only files that may be named index.ts or pass on what others export. */
export const entryPoints: readonly string[] = ['src/main.ts', 'src/resource-server/index.ts', 'src/client/index.ts'];

/** A package or a use that belongs to one place. */
export interface Door {
  readonly what: string;
  readonly only: RegExp;
  readonly why: string;
}

/** Packages of production, and where each may be imported. */
export const packageDoors: readonly Door[] = [
  { what: 'express', only: /^src\/(stages\/|pipeline\.ts|app(\.ts|\/))/, why: 'the logic outlives the framework' },
  {
    what: 'express-session',
    only: /^src\/(stages|session)\//,
    why: 'it is mounted on the auth routes only, over our store',
  },
  { what: 'connect-redis', only: /^src\/session\//, why: 'one adapter hashes, seals and guards what it writes' },
  { what: 'helmet', only: /^src\/stages\/security-headers\.ts$/, why: 'one stage sets the headers of every answer' },
  { what: 'cors', only: /^src\/stages\/cors\.ts$/, why: 'it never refuses; the guard beside it does' },
  {
    what: 'csurf',
    only: /^src\/stages\/csrf\.ts$/,
    why: 'its first maintainer left: one place to judge and to leave it',
  },
  { what: 'redis', only: /^src\/redis\//, why: 'one place decides time limits and failing closed' },
  {
    what: 'openid-client',
    only: /^src\/oidc\/(provider|client-authentication|client-calls)\.ts$/,
    why: 'one place holds the protocol, and our checks after it',
  },
  {
    what: 'jose',
    only: /^src\/(oidc|keys|token|resource-server)\//,
    why: 'keys and signatures are checked where they are known',
  },
  {
    what: 'undici',
    only: /^src\/(proxy\/(upgrade-line|dial)\.ts|oidc\/)/,
    why: 'one exit to upstreams, one to the provider',
  },
  {
    what: 'http-proxy-middleware',
    only: /^src\/stages\/page-upstream\.ts$/,
    why: 'its hooks can be skipped: no control may live in them',
  },
  {
    what: 'lru-cache',
    only: /^src\/(session|token|oidc|keys|redis|base|audit)\//,
    why: 'a bounded cache is a decision of its owner',
  },
  { what: 'pino', only: /^src\/audit\//, why: 'nothing is written that was not redacted' },
  { what: 'prom-client', only: /^src\/metrics\//, why: 'labels come from one catalogue' },
  { what: 'yaml', only: /^src\/config\//, why: 'text becomes settings in one place' },
  { what: 'zod', only: /^src\/config\//, why: 'text becomes settings in one place' },
  { what: 'oauth4webapi', only: /^src\/(oidc\/provider\.ts|resource-server\/)/, why: 'one place holds the protocol' },
  { what: 'rate-limiter-flexible', only: /^src\/(redis|abuse|guards)\//, why: 'limits are counted in one place' },
  { what: 'cockatiel', only: /^src\/(proxy|oidc|token)\//, why: 'a breaker stands where the call is made' },
  { what: 'commander', only: /^src\/cli\//, why: 'the server has no command line' },
  { what: 'dpop', only: /^src\/(oidc|proxy|token)\//, why: 'a proof is made where the request is' },
];

/** Uses of the language and the system, and the one file that owns each. */
export const useDoors: readonly Door[] = [
  { what: 'Date.now', only: /^src\/base\/clock\.ts$/, why: 'tests move the time' },
  { what: 'new Date()', only: /^src\/base\/clock\.ts$/, why: 'tests move the time' },
  { what: 'performance.now', only: /^src\/base\/clock\.ts$/, why: 'tests move the time' },
  { what: 'setTimeout', only: /^src\/base\/clock\.ts$/, why: 'tests move the time' },
  { what: 'setInterval', only: /^src\/base\/clock\.ts$/, why: 'tests move the time' },
  { what: 'node:timers', only: /^$/, why: 'tests move the time' },
  { what: 'node:timers/promises', only: /^$/, why: 'tests move the time' },
  { what: 'Math.random', only: /^$/, why: 'what must not be guessed comes from node:crypto' },
  { what: 'randomBytes', only: /^src\/base\/random\.ts$/, why: 'tests choose the randomness' },
  { what: 'randomUUID', only: /^src\/base\/random\.ts$/, why: 'tests choose the randomness' },
  { what: 'randomInt', only: /^src\/base\/random\.ts$/, why: 'tests choose the randomness' },
  { what: 'randomFillSync', only: /^src\/base\/random\.ts$/, why: 'tests choose the randomness' },
  { what: 'crypto.getRandomValues', only: /^src\/(base\/random\.ts|client\/)/, why: 'tests choose the randomness' },
  {
    what: 'process.env',
    only: /^src\/(main|cli\/main)\.ts$/,
    why: 'settings come from config, checked; commands are handed theirs',
  },
  { what: 'console', only: /^$/, why: 'the trail redacts what is written; commands are handed a writer' },
];
