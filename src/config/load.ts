/**
 * Reads the whole configuration once and tells all of its faults at once.
 *
 * A fault names the variable and what is expected, never the value of a secret.
 * What is dangerous outside of this machine ends the start there.
 *
 * @module
 */

import { Secret } from '../base/secret.ts';
import type { Config } from './config.ts';
import { contradictionsIn, isProduction, warningsOf } from './cross-checks.ts';
import { readRules, routeOfApiUpstream } from './rules-file.ts';
import { type AllValues, type SettingName, settingNames, settingOf, type Values } from './schema.ts';
import { nearestOf } from './spelling.ts';

/** How files are read; throws when one cannot be. */
export interface Files {
  readFile(path: string): string;
}

/** Where settings come from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Thrown when the configuration has faults. */
export class ConfigError extends Error {
  /** One sentence each. */
  readonly faults: readonly string[];
  /** Whether nothing at all was configured. */
  readonly isEmpty: boolean;

  constructor(faults: readonly string[], { isEmpty }: { readonly isEmpty: boolean }) {
    super(`the configuration has ${faults.length} faults`);
    this.name = 'ConfigError';
    this.faults = faults;
    this.isEmpty = isEmpty;
  }

  /** The faults as a list for the terminal, with what to do next. */
  report(): string {
    const head = this.isEmpty ? 'Claimcheck is not configured yet. It needs:' : 'Claimcheck cannot start:';
    const tail = this.isEmpty
      ? 'Copy .env.example to .env and fill these in, or run `npm run demo` to try it without any of them.'
      : 'Every setting is described in docs/configuration.md. To try it without any, run `npm run demo`.';
    return [head, '', ...this.faults.map((fault) => `  - ${fault}`), '', tail].join('\n');
  }
}

/** The configuration in `env`. Throws {@link ConfigError}. */
export function loadConfig(env: Environment, files: Files): Config {
  const faults: string[] = [];
  const given = withFiles(env, { files, faults });
  const values = valuesOf(given, faults);
  const routes = routesOf(values, { files, faults });
  const tlsChecksAreOff = env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0';
  faults.push(...spellingFaults(env));
  faults.push(...contradictionsIn(values, { faulty: faultyNames(faults), env: given, tlsChecksAreOff, files }));
  if (faults.length > 0) throw new ConfigError(faults, { isEmpty: settingNames.every((name) => !given[name]) });
  return configFrom(values, { routes, files });
}

type Given = Readonly<Partial<Record<SettingName, string>>>;

// Empty counts as not given, since that is what compose files and shells make of a variable without a value.
function withFiles(env: Environment, { files, faults }: { readonly files: Files; readonly faults: string[] }): Given {
  const given: Partial<Record<SettingName, string>> = {};
  for (const name of settingNames) {
    const value = env[name];
    const file = settingOf(name).secret ? env[`${name}_FILE`] : undefined;
    if (value && file) faults.push(`${name}: is given twice, itself and by ${name}_FILE. Choose one.`);
    else if (value) given[name] = value;
    else if (file) given[name] = contentOf(file, { name: `${name}_FILE`, files, faults }) ?? '';
  }
  return given;
}

interface Reading {
  readonly name: string;
  readonly files: Files;
  readonly faults: string[];
}

function contentOf(path: string, { name, files, faults }: Reading): string | undefined {
  try {
    return files.readFile(path).trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    faults.push(`${name}: the file ${path} cannot be read${code}.`);
    return undefined;
  }
}

function valuesOf(given: Given, faults: string[]): Values {
  const values: Record<string, unknown> = {};
  for (const name of settingNames) {
    const setting = settingOf(name);
    const text = given[name] ?? setting.default;
    if (text === undefined) {
      if (setting.needed) faults.push(`${name}: is missing. ${setting.help} For example ${setting.example}.`);
      continue;
    }
    const result = setting.type.safeParse(text);
    if (result.success) values[name] = result.data;
    else faults.push(`${name}: ${result.error.issues[0]?.message ?? 'is not valid.'}`);
  }
  return values as Values; // each value was made by the type of its own setting
}

function faultyNames(faults: readonly string[]): ReadonlySet<string> {
  return new Set(faults.map((fault) => fault.split(/[: ]/, 1)[0] ?? '').map((name) => name.replace(/_FILE$/, '')));
}

/** Names that the system or other software sets and that only look like ours. */
const others: ReadonlySet<string> = new Set(['HOSTNAME', 'PORTS', 'HOSTS', 'HOME']);

function spellingFaults(env: Environment): readonly string[] {
  const known = settingNames.flatMap((name) => (settingOf(name).secret ? [name, `${name}_FILE`] : [name]));
  return Object.keys(env).flatMap((name) => {
    if (known.includes(name) || others.has(name) || env[name] === undefined) return [];
    const meant =
      known.find((ours) => name === `CLAIMCHECK_${ours}`) ?? (name.length > 6 ? nearestOf(name, known) : undefined);
    return meant === undefined ? [] : [`${name}: is not a setting. Did you mean ${meant}?`];
  });
}

function routesOf(values: Values, { files, faults }: Omit<Reading, 'name'>): Config['routes'] {
  if (values.RULES_FILE === undefined)
    return values.API_UPSTREAM === undefined ? [] : [routeOfApiUpstream(values.API_UPSTREAM)];
  const content = contentOf(values.RULES_FILE, { name: 'RULES_FILE', files, faults });
  if (content === undefined) return [];
  const rules = readRules(content, { production: isProduction(values) });
  if ('routes' in rules) return rules.routes;
  faults.push(...rules.faults);
  return [];
}

function secretOf(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}

// Called without faults only: then what is needed is there, and the rest has its default.
function configFrom(
  values: Values,
  { routes, files }: { readonly routes: Config['routes']; readonly files: Files },
): Config {
  const all = values as AllValues; // see above; what may be missing is read from `values`
  const { CLIENT_KEY_FILE, REDIS_URL, TLS_CERT_FILE, TLS_KEY_FILE, PAGE_UPSTREAM } = values;
  const key = CLIENT_KEY_FILE === undefined ? undefined : files.readFile(CLIENT_KEY_FILE);
  return {
    listen: { host: all.HOST, port: all.PORT },
    operations: { host: all.OPS_HOST, port: all.OPS_PORT },
    tls: TLS_CERT_FILE && TLS_KEY_FILE ? { certFile: TLS_CERT_FILE, keyFile: TLS_KEY_FILE } : undefined,
    publicUrl: all.PUBLIC_URL,
    authBasePath: all.AUTH_BASE_PATH,
    issuer: all.ISSUER,
    client: {
      id: all.CLIENT_ID,
      authMethod: all.CLIENT_AUTH_METHOD,
      secret: secretOf(values.CLIENT_SECRET),
      key: secretOf(key),
    },
    scopes: all.SCOPES,
    scopesAreDefault: all.SCOPES.join(' ') === settingOf('SCOPES').default,
    apiAudience: values.API_AUDIENCE,
    userClaims: all.USER_CLAIMS,
    providerTimeoutMs: all.PROVIDER_TIMEOUT,
    store:
      all.SESSION_STORE === 'memory'
        ? { kind: 'memory' }
        : { kind: 'redis', url: new Secret(REDIS_URL ?? ''), timeoutMs: all.REDIS_TIMEOUT },
    sessionSecrets: all.SESSION_SECRETS.map((entry) => new Secret(entry)),
    sessionIdleTimeoutMs: all.SESSION_IDLE_TIMEOUT,
    sessionLifetimeMs: all.SESSION_LIFETIME,
    routes,
    page: PAGE_UPSTREAM ? { kind: 'upstream', url: PAGE_UPSTREAM } : { kind: 'files', directory: all.PUBLIC_DIR },
    corsAllowedOrigins: all.CORS_ALLOWED_ORIGINS,
    csrfMode: all.CSRF_MODE,
    trustedProxies: all.TRUSTED_PROXIES,
    logLevel: all.LOG_LEVEL,
    readyStrict: all.READY_STRICT,
    shutdownTimeoutMs: all.SHUTDOWN_TIMEOUT,
    warnings: warningsOf(values),
  };
}
