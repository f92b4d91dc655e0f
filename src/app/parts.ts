/**
 * Makes the parts of one frontend: the store and the sessions in it, the
 * provider, the tokens, the way to the upstreams.
 *
 * @module
 */

import { Pseudonyms } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/config.ts';
import { createFrontend, type Frontend } from '../http/frontend.ts';
import { deriveKey, KeyRing } from '../keys/key-ring.ts';
import { Metrics } from '../metrics/catalogue.ts';
import { Provider } from '../oidc/provider.ts';
import { SessionEvents } from '../oidc/session-events.ts';
import { Forwarder } from '../proxy/forward.ts';
import { Routes } from '../proxy/routes.ts';
import { upstreamReportsTo } from '../proxy/upstream-reports.ts';
import { Upstreams } from '../proxy/upstreams.ts';
import { connectRedis } from '../redis/client.ts';
import { MemorySessionStore } from '../session/memory-store.ts';
import { OwnSessions } from '../session/own-sessions.ts';
import { RedisSessionStore } from '../session/redis-store.ts';
import { isOpened, type Lifetimes } from '../session/session.ts';
import { sessionReportsTo } from '../session/session-reports.ts';
import { SessionWatch } from '../session/session-watch.ts';
import { Sessions } from '../session/sessions.ts';
import { meets } from '../session/step-up.ts';
import type { SessionStore } from '../session/store.ts';
import { Csrf } from '../stages/csrf.ts';
import { Attempts } from '../token/attempts.ts';
import { Refresher } from '../token/refresh.ts';
import type { Renewal } from '../token/renewal.ts';
import { tokenReportsTo } from '../token/reports.ts';
import { Revoker } from '../token/revoke.ts';
import { isToBeRevoked } from '../token/revoke-ended.ts';
import { Tokens } from '../token/tokens.ts';

/** What everything is made with. */
export interface Tools {
  readonly trail: Trail;
  readonly clock: Clock;
}

/** What the provider's last attempts came to. The one thing here that is written to. */
export interface ProviderHealth {
  /** Whether the metadata could not be had when it was last asked for. */
  isAway: boolean;
}

/** The parts that the stages are made from. */
export interface Parts extends Tools {
  readonly config: Config;
  readonly frontend: Frontend;
  readonly metrics: Metrics;
  readonly pseudonyms: Pseudonyms;
  readonly lifetimes: Lifetimes;
  readonly keys: KeyRing;
  readonly store: SessionStore;
  readonly sessions: Sessions;
  readonly ownSessions: OwnSessions;
  readonly watch: SessionWatch;
  readonly events: SessionEvents;
  readonly provider: Provider;
  readonly providerHealth: ProviderHealth;
  readonly csrf: Csrf;
  readonly refresher: Refresher;
  readonly revoker: Revoker;
  readonly tokens: Tokens;
  readonly routes: Routes;
  readonly upstreams: Upstreams;
  readonly forwarder: Forwarder;
}

/** How long a call waits for new tokens: a little longer than one answer of the provider may take. */
const waitBeyondMs = 1_000;

/** Makes them. Nothing is waited for: the store and the provider are reached in the background. */
export function createParts(config: Config, tools: Tools): Parts {
  const base = createBase(config, tools);
  const sessionReports = sessionReportsTo(base);
  const sessions = new Sessions({ ...base, reports: sessionReports });
  const reports = tokenReportsTo(base);
  const providerHealth: ProviderHealth = { isAway: false };
  const provider = createProvider(base, providerHealth);
  const revoker = new Revoker({ provider, reports, clock: base.clock });
  const watch = new SessionWatch({
    ...base,
    ...{ sessions, reports: sessionReports },
    onEnded: (session, reason) => {
      if (isToBeRevoked(session.tokens, reason)) void revoker.revokeSession(session);
    },
  });
  const attempts = new Attempts({ clock: base.clock });
  const { userClaims } = config;
  const refresher = new Refresher({ sessions, provider, revoker, reports, attempts, clock: base.clock, userClaims });
  const tokens = new Tokens({
    refresher: { renew: async (session, audience) => seenBy(watch, await refresher.renew(session, audience)) },
    sessions,
    reports,
    clock: base.clock,
    apiAudience: config.apiAudience,
    waitMs: config.providerTimeoutMs + waitBeyondMs,
  });
  const csrf = new Csrf({ mode: config.csrfMode });
  const upstreams = new Upstreams(base.clock, {
    settings: config.upstreams,
    report: upstreamReportsTo(base),
  });
  const forwarder = new Forwarder({
    upstreams,
    clock: base.clock,
    renew: (authorized, route) => tokens.refreshAfterRefusal(authorized, route),
    isSignedInAs: ({ session }, asked) =>
      isOpened(session) && meets(session.identity, { ...asked, now: base.clock.now() }),
  });
  const routes = new Routes(config.routes);
  return {
    ...base,
    sessions,
    ownSessions: new OwnSessions({ ...base, sessions }),
    watch,
    events: new SessionEvents({ ...base, sessions, watch, csrf, userClaims }),
    provider,
    providerHealth,
    csrf,
    refresher,
    revoker,
    tokens,
    routes,
    upstreams,
    forwarder,
  };
}

// Whoever brought new tokens about, every page of the session hears of them.
function seenBy(watch: SessionWatch, renewal: Renewal): Renewal {
  if (renewal.kind === 'renewed') watch.saw(renewal.session);
  return renewal;
}

type Base = Pick<
  Parts,
  'config' | 'trail' | 'clock' | 'frontend' | 'metrics' | 'pseudonyms' | 'lifetimes' | 'keys' | 'store'
>;

function createBase(config: Config, { trail, clock }: Tools): Base {
  const frontend = createFrontend({
    id: 'default',
    publicUrl: config.publicUrl,
    authBasePath: config.authBasePath,
    trustedOrigins: config.corsAllowedOrigins,
  });
  const keys = new KeyRing({ secrets: config.sessionSecrets, frontendId: frontend.id });
  const [first] = config.sessionSecrets;
  if (first === undefined) throw new Error('the configuration was used before it was checked');
  const pseudonyms = new Pseudonyms(deriveKey(first, { label: 'pseudonyms', frontendId: frontend.id }));
  const lifetimes = { idleTimeoutMs: config.sessionIdleTimeoutMs, lifetimeMs: config.sessionLifetimeMs };
  const store = createStore(config, { trail, clock });
  return { config, trail, clock, frontend, metrics: new Metrics(), pseudonyms, lifetimes, keys, store };
}

function createStore({ store }: Config, { trail, clock }: Tools): SessionStore {
  if (store.kind === 'memory') return new MemorySessionStore({ clock });
  return new RedisSessionStore({
    redis: connectRedis({ url: store.url, timeoutMs: store.timeoutMs, clock, log: trail }),
    clock,
  });
}

function createProvider({ config, frontend, trail, clock, metrics }: Base, health: ProviderHealth): Provider {
  return new Provider({
    issuer: config.issuer,
    client: config.client,
    scopes: config.scopes,
    scopesAreDefault: config.scopesAreDefault,
    apiAudience: config.apiAudience,
    timeoutMs: config.providerTimeoutMs,
    redirectUri: frontend.origin + frontend.paths.callback,
    clock,
    log: trail,
    report: ({ state, part, reason }) => {
      const dependency = `provider ${part}`;
      if (part === 'metadata') {
        health.isAway = state === 'failed';
        metrics.providerUp.set(health.isAway ? 0 : 1);
      }
      if (state === 'recovered') trail.event('dependency.recovered', 'success', { dependency });
      else trail.event('dependency.failed', 'failure', { dependency, reason });
    },
  });
}
