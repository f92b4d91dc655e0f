/**
 * The hostile provider: an OpenID provider of ours that is honest until a test
 * tells it otherwise, with one switch for every fault we know of.
 *
 * It runs in the test's process, on real sockets. By default it does what a good
 * provider does: code flow with S256, `iss` in the response (RFC 9207), one-time
 * codes, exact redirect URIs, checked client authentication, RS256 ID tokens with
 * `at_hash`, opaque access tokens, rotated refresh tokens with reuse detection,
 * UserInfo, revocation, introspection, back-channel logout. There is no sign-in
 * page: `/authorize` answers at once for `provider.user`.
 *
 * ```ts
 * const provider = await startHostileProvider();
 * provider.user = { sub: 'bob', claims: { name: 'Bob' } };
 * provider.script.token.claims = { nonce: 'another' };
 * // … sign in, see it refused …
 * expect(provider.hits('userinfo')).toBe(0);
 * provider.reset();
 * ```
 *
 * The switches are listed in hostile/script.ts. Two calls make two issuers, for
 * tests of mix-up. It does not speak dynamic registration, request objects
 * (JAR), token exchange, client credentials, hybrid and implicit flows, and has
 * no check_session_iframe.
 *
 * @module
 */

import type { Clock } from '../../src/base/clock.ts';
import type { RegisteredClient } from './hostile/clients.ts';
import { DpopNonces } from './hostile/dpop.ts';
import {
  type CurrentUser,
  freshSecret,
  type Grant,
  GrantStore,
  type PushedRecord,
  type User,
} from './hostile/grants.ts';
import { createSigningKey, KeyRing, type SigningAlg } from './hostile/keys.ts';
import { type Endpoint, Issued, type LoggedRequest } from './hostile/log.ts';
import { buildLogoutToken, type Delivered, deliverLogoutToken, type LogoutTokenOptions } from './hostile/logout.ts';
import { honestScript, type Script } from './hostile/script.ts';
import { createProviderServer, listen, serve, type TlsOptions } from './hostile/server.ts';
import type { ProviderState } from './hostile/state.ts';
import { startTrap, type Trap } from './hostile/trap.ts';

/** How a provider is started. */
export interface HostileProviderOptions {
  /** Makes it https; `createTlsIdentity()` of hostile/certificate.ts makes key and certificate. */
  readonly tls?: TlsOptions | undefined;
  /** A fixed port; a free one by default. */
  readonly port?: number | undefined;
  /** A path behind the issuer's origin, such as `/tenant`; none by default. */
  readonly path?: string | undefined;
  /** Its clients; by default one, `claimcheck`, with a random secret and any redirect URI. */
  readonly clients?: readonly RegisteredClient[] | undefined;
  /** What ID tokens are signed with; `RS256` by default. */
  readonly alg?: SigningAlg | undefined;
  /** Offers pushed authorization requests; `false` by default. */
  readonly par?: boolean | undefined;
  /** The provider's clock; the real time by default. `script.clock.offsetSeconds` comes on top. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

/** A running provider. */
export interface HostileProvider {
  /** `http://127.0.0.1:<port>` (or https), with the path if it has one; never a slash at the end. */
  readonly issuer: string;
  /** Every switch; see hostile/script.ts. */
  readonly script: Script;
  /** The signing keys: `rotate`, `rotateBeforeNextSignature`, `add`, `addDecoys`, `withdraw`. */
  readonly keys: KeyRing;
  /** Every request, oldest first. */
  readonly log: readonly LoggedRequest[];
  /** How many requests an endpoint got. */
  hits(endpoint: Endpoint): number;
  /** Every secret given out. */
  readonly issued: Issued;
  /** The first registered client. */
  readonly client: RegisteredClient;
  /** All clients by id; one that is set here is registered. */
  readonly clients: Map<string, RegisteredClient>;
  /** Who is signed in at the provider: `alice` by default, `null` for nobody (`login_required`), or a function that decides for each request. */
  user: CurrentUser;
  /** Every sign-in, oldest first: `sid`, `sub`, `nonce`, `scope`, and whether it was revoked. */
  readonly grants: readonly Grant[];
  /** Pushed authorization requests by `request_uri`, with how often each was used. */
  readonly pushed: ReadonlyMap<string, PushedRecord>;
  /** A host nobody may visit. */
  readonly trap: Trap;
  /** The logout tokens `/end_session` sent, and what was answered. */
  readonly delivered: readonly Delivered[];
  /** A logout token, valid unless told otherwise. */
  logoutToken(options: LogoutTokenOptions): string;
  /** Posts a logout token to a client; makes it first when options are given. */
  deliverLogoutToken(uri: string, token: string | LogoutTokenOptions): Promise<Delivered>;
  /** All DPoP nonces run out, without anybody being told. */
  expireDpopNonces(): void;
  /** The provider's time in s, offset included. */
  now(): number;
  /** Honest again, with an empty log and nobody but `alice`. Clients, grants, tokens and the active key stay. */
  reset(): void;
  /** Ends every connection and stops listening, the trap's too. */
  close(): Promise<void>;
}

/** Who is signed in at first. */
export const alice: User = {
  sub: 'alice',
  claims: { name: 'Alice Example', email: 'alice@example.test', preferred_username: 'alice' },
};

function clientsFor({ clients }: HostileProviderOptions): Map<string, RegisteredClient> {
  const registered = clients ?? [{ clientId: 'claimcheck', clientSecret: freshSecret('client') }];
  return new Map(registered.map((client) => [client.clientId, client]));
}

function createState(options: HostileProviderOptions, { issuer, trap }: { issuer: string; trap: Trap }): ProviderState {
  const { clock = { now: Date.now }, alg, par } = options;
  const script = honestScript({ par });
  return {
    issuer,
    script,
    keys: new KeyRing(createSigningKey({ alg })),
    log: [],
    issued: new Issued(),
    clients: clientsFor(options),
    grants: new GrantStore(),
    nonces: new DpopNonces(),
    trap,
    usedJtis: new Set(),
    user: alice,
    now: () => Math.floor(clock.now() / 1000) + script.clock.offsetSeconds,
  };
}

function resetState(state: ProviderState, { par, alg = 'RS256' }: HostileProviderOptions): void {
  Object.assign(state.script, honestScript({ par }));
  state.keys.reset(alg);
  state.log.length = 0;
  state.issued.clear();
  state.trap.reset();
  state.user = alice;
}

function firstClient({ clients }: ProviderState): RegisteredClient {
  const [first] = clients.values();
  if (!first) throw new Error('the hostile provider has no client');
  return first;
}

/** Starts a provider on 127.0.0.1. Close it at the end of the test file. */
export async function startHostileProvider(options: HostileProviderOptions = {}): Promise<HostileProvider> {
  const trap = await startTrap();
  const server = createProviderServer(options.tls);
  const port = await listen(server, options.port);
  const issuer = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}${options.path ?? ''}`;
  const state = createState(options, { issuer, trap });
  const delivered: Delivered[] = [];
  serve(server, { state, delivered });
  const { script, keys, log, issued, clients, grants, nonces, now } = state;
  return {
    ...{ issuer, script, keys, log, issued, clients, trap, delivered, now },
    grants: grants.grants,
    pushed: grants.pushed,
    hits: (endpoint) => log.filter((request) => request.endpoint === endpoint).length,
    logoutToken: (logout) => buildLogoutToken(logout, state),
    deliverLogoutToken: (uri, token) =>
      deliverLogoutToken(uri, typeof token === 'string' ? token : buildLogoutToken(token, state)),
    expireDpopNonces: () => nonces.expire(),
    get client() {
      return firstClient(state);
    },
    get user() {
      return state.user;
    },
    set user(user) {
      state.user = user;
    },
    reset() {
      resetState(state, options);
      delivered.length = 0;
    },
    async close() {
      server.closeAllConnections();
      await Promise.all([trap.close(), new Promise<void>((resolve) => server.close(() => resolve()))]);
    },
  };
}
