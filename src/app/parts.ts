/**
 * Makes the parts of one frontend, beside those that all share: its sessions in the
 * store, its provider, its tokens, its way to the upstreams.
 *
 * @module
 */

import type { Config, FrontendConfig } from '../config/config.ts';
import { type Frontend, frontendOf } from '../http/frontend.ts';
import { KeyRing } from '../keys/key-ring.ts';
import type { FrontendLabel } from '../metrics/catalogue.ts';
import { createClientKeys } from '../oidc/configured-client-keys.ts';
import { LoginKeys } from '../oidc/login-keys.ts';
import type { ManagedClientKeys } from '../oidc/managed-client-keys.ts';
import { Provider } from '../oidc/provider.ts';
import { RedisRotationNotes } from '../oidc/rotation-notes.ts';
import { SessionEvents } from '../oidc/session-events.ts';
import { SignOuts } from '../oidc/sign-outs.ts';
import type { Renew } from '../proxy/exchange-parts.ts';
import { Forwarder } from '../proxy/forward.ts';
import type { IsSignedInAs } from '../proxy/instead.ts';
import { Routes } from '../proxy/routes.ts';
import { type SocketReports, socketReportsTo } from '../proxy/socket-reports.ts';
import { Upgrades } from '../proxy/upgrade.ts';
import { OwnSessions } from '../session/own-sessions.ts';
import { isOpened, type Lifetimes, lifetimesOf } from '../session/session.ts';
import { cacheReportsTo, sessionReportsTo } from '../session/session-reports.ts';
import { SessionWatch } from '../session/session-watch.ts';
import { Sessions } from '../session/sessions.ts';
import { signedOut } from '../session/signed-out.ts';
import { meets } from '../session/step-up.ts';
import { whileSession } from '../session/with-session.ts';
import { Csrf } from '../stages/csrf.ts';
import { Attempts } from '../token/attempts.ts';
import { DerivedTokens } from '../token/derived-tokens.ts';
import { Refresher } from '../token/refresh.ts';
import type { GrantingProvider, Renewal } from '../token/renewal.ts';
import { tokenReportsTo } from '../token/reports.ts';
import { Revoker } from '../token/revoke.ts';
import { isToBeRevoked } from '../token/revoke-ended.ts';
import { RotationWitness } from '../token/rotation.ts';
import { Tokens } from '../token/tokens.ts';
import type { Shared } from './shared.ts';

/** What the provider's last attempts came to. The one thing here that is written to. */
export interface ProviderHealth {
  /** Whether the metadata could not be had when it was last asked for. */
  isAway: boolean;
}

/** The parts that the stages of a frontend are made from. */
export interface Parts extends Omit<Shared, 'config'> {
  /** Of this frontend. */
  readonly config: FrontendConfig;
  readonly frontend: Frontend;
  /** Goes with what is counted for this frontend alone. */
  readonly label: FrontendLabel;
  readonly lifetimes: Lifetimes;
  readonly keys: KeyRing;
  readonly loginKeys: LoginKeys;
  readonly sessions: Sessions;
  readonly ownSessions: OwnSessions;
  readonly watch: SessionWatch;
  readonly events: SessionEvents;
  readonly provider: Provider;
  /** Kept by the server itself; `undefined` where the client has a file of them, or none. */
  readonly clientKeys: ManagedClientKeys | undefined;
  readonly providerHealth: ProviderHealth;
  readonly csrf: Csrf;
  readonly refresher: Refresher;
  readonly revoker: Revoker;
  readonly signOuts: SignOuts;
  readonly tokens: Tokens;
  readonly routes: Routes;
  readonly forwarder: Forwarder;
  readonly sockets: Upgrades;
  readonly socketReports: SocketReports;
}

/** How long a call waits for new tokens: a little longer than one answer of the provider may take. */
const waitBeyondMs = 1_000;

/** Makes them. Nothing is waited for: the provider is reached in the background. */
export function createParts(shared: Shared, config: FrontendConfig): Parts {
  const base = createBase(shared, config);
  const sessionReports = sessionReportsTo(base);
  const sessions = new Sessions({
    ...base,
    reports: sessionReports,
    cacheReports: cacheReportsTo(base.metrics, base.label),
  });
  const reports = tokenReportsTo(base);
  const providerHealth: ProviderHealth = { isAway: false };
  const clientKeys = createClientKeys(base);
  const provider = createProvider({ ...base, clientKeys }, providerHealth);
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
  const refresher = new Refresher({
    ...{ sessions, revoker, reports, attempts, userClaims },
    provider: witnessed(provider, base),
    clock: base.clock,
  });
  const tokens = new Tokens({
    refresher: { renew: async (session, audience) => seenBy(watch, await refresher.renew(session, audience)) },
    sessions,
    reports,
    clock: base.clock,
    apiAudience: config.apiAudience,
    waitMs: config.providerTimeoutMs + waitBeyondMs,
    derived: new DerivedTokens({
      provider,
      clock: base.clock,
      onFailure: (kind, reason) => base.trail.warn('a token for an upstream cannot be had', { kind, reason }),
    }),
  });
  const csrf = new Csrf({ mode: config.csrfMode });
  const routes = new Routes(config.routes);
  return {
    ...base,
    sessions,
    ownSessions: new OwnSessions({ ...base, sessions }),
    watch,
    events: new SessionEvents({ ...base, sessions, watch, csrf, userClaims }),
    provider,
    clientKeys,
    providerHealth,
    csrf,
    refresher,
    revoker,
    signOuts: new SignOuts({ sessions, revoker, reports: sessionReports, clock: base.clock }),
    tokens,
    routes,
    ...createProxy({ ...base, tokens, watch }),
  };
}

// Without Redis there is no place where somebody else could read it.
function witnessed(provider: Provider, { config, redis, clock }: Base): GrantingProvider {
  if (redis === undefined) return provider;
  const notes = new RedisRotationNotes(redis, { issuer: config.issuer, clientId: config.client.id });
  return new RotationWitness({ provider, notes, clock });
}

// Whoever brought new tokens about, every page of the session hears of them.
function seenBy(watch: SessionWatch, renewal: Renewal): Renewal {
  if (renewal.kind === 'renewed') watch.saw(renewal.session);
  return renewal;
}

type ProxyParts = Pick<Parts, 'clock' | 'frontend' | 'tokens' | 'upstreams' | 'watch'> &
  Parameters<typeof socketReportsTo>[0];

function createProxy(parts: ProxyParts): Pick<Parts, 'forwarder' | 'sockets' | 'socketReports'> {
  const { clock, frontend, tokens, upstreams, watch } = parts;
  const renew: Renew = (authorized, route) => tokens.refreshAfterRefusal(authorized, route);
  const isSignedInAs: IsSignedInAs = ({ session }, asked) =>
    isOpened(session) && meets(session.identity, { ...asked, now: clock.now() });
  const forwarder = new Forwarder({ upstreams, clock, renew, isSignedInAs });
  const socketReports = socketReportsTo(parts);
  const sockets = new Upgrades({
    ...{ upstreams, clock, renew, isSignedInAs, reports: socketReports },
    watch: (authorized, onEnded) => whileSession(authorized, () => onEnded(signedOut(frontend)), { watch }),
  });
  return { forwarder, sockets, socketReports };
}

type Base = Omit<Shared, 'config'> &
  Pick<Parts, 'config' | 'frontend' | 'label' | 'lifetimes' | 'keys' | 'loginKeys'> &
  Pick<Config, 'sessionSecrets'>;

function createBase({ config: process, ...shared }: Shared, config: FrontendConfig): Base {
  const frontend = frontendOf(config);
  const { sessionSecrets, listsFrontends } = process;
  const secrets = { secrets: sessionSecrets, frontendId: frontend.id };
  return {
    ...{ ...shared, config, frontend, sessionSecrets },
    trail: listsFrontends ? shared.trail.of(frontend.name) : shared.trail,
    label: listsFrontends ? { frontend: frontend.name } : {},
    lifetimes: lifetimesOf(config),
    keys: new KeyRing(secrets),
    loginKeys: new LoginKeys(secrets),
  };
}

function createProvider(
  { config, frontend, trail, clock, metrics, label, clientKeys }: Base & Pick<Parts, 'clientKeys'>,
  health: ProviderHealth,
): Provider {
  return new Provider({
    issuer: config.issuer,
    client: config.client,
    clientKeys,
    scopes: config.scopes,
    scopesAreDefault: config.scopesAreDefault,
    apiAudience: config.apiAudience,
    dialect: config.dialect,
    timeoutMs: config.providerTimeoutMs,
    redirectUri: frontend.origin + frontend.paths.callback,
    clock,
    log: trail,
    report: ({ state, part, reason }) => {
      const dependency = `provider ${part}`;
      if (part === 'metadata') {
        health.isAway = state === 'failed';
        metrics.providerUp.set(label, health.isAway ? 0 : 1);
      }
      if (state === 'recovered') trail.event('dependency.recovered', 'success', { dependency });
      else trail.event('dependency.failed', 'failure', { dependency, reason });
    },
  });
}
