/**
 * An authorization server to try Claimcheck with, and to test it against: OpenID
 * Connect by oidc-provider, in memory, with two people who need no password.
 *
 * Everything that is decided for a demo only stands in the files beside this one.
 * It is never in the image and never imported by src/.
 *
 * @module
 */

import { createServer, type RequestListener } from 'node:http';
import type ProviderInstance from 'oidc-provider';
import type { ClientMetadata } from 'oidc-provider';
import { closeServer, listenOnLoopback } from './loopback.ts';
import { createOfflineRequests } from './offline-access.ts';
import { createProviderConfiguration, type ProviderSettings } from './provider-configuration.ts';
import { type ProviderRecord, recordProvider } from './provider-record.ts';
import { createProviderStorage, type ProviderStorage } from './provider-storage.ts';
import { Provider } from './quiet-provider.ts';
import { serveSignIn } from './sign-in.ts';

/** A confidential client that may ask for codes and refresh tokens. */
export interface DemoClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** Where logout tokens go; without it the client gets neither these nor a `sid` in its ID tokens. */
  readonly backchannelLogoutUri?: string;
  /** Further registration metadata in the names of RFC 7591, for example `token_endpoint_auth_method` and `jwks`. */
  readonly metadata?: Partial<ClientMetadata>;
}

/** What can be chosen; every choice has a default. */
export interface AuthorizationServerOptions extends Partial<ProviderSettings> {
  /** Default 0, a free port. Always on 127.0.0.1. */
  readonly port?: number;
  readonly clients?: readonly DemoClient[];
}

/** A running authorization server. */
export interface AuthorizationServer {
  /** The issuer identifier: its origin, `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly issuer: string;
  /** The same as `issuer`: the address to reach it at. */
  readonly url: string;
  /** The audience of access tokens asked for with `resource`. */
  readonly resource: string;
  /** What it did so far. */
  readonly record: ProviderRecord;
  /** Every authorization code, access, refresh and ID token it ever issued. */
  issuedSecrets(): readonly string[];
  /** Registers one more client. Throws if its metadata is faulty. */
  addClient(client: DemoClient): Promise<void>;
  /** Withdraws every grant, as its operator might: the next refresh of any client ends in `invalid_grant`. */
  withdrawGrants(): void;
  /** Stops listening and cuts what is still connected. */
  close(): Promise<void>;
}

/** What holds unless an option says otherwise. Times in seconds. */
export const authorizationServerDefaults: ProviderSettings = {
  accessTokenTtlSeconds: 120,
  refreshTokenTtlSeconds: 24 * 60 * 60,
  idTokenTtlSeconds: 300,
  // Each refresh gives a new refresh token, and one used twice ends the grant (RFC 9700, 4.14.2).
  rotateRefreshToken: true,
  resource: 'https://orders.example.test',
  endSession: true,
  par: true,
  revocation: true,
  acrValues: ['urn:claimcheck:demo:basic', 'urn:claimcheck:demo:strong'],
  accessTokenClaims: {},
};

/** Starts one. Rejects with Node's `EADDRINUSE` error if the port is taken. */
export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const { port = 0, clients = [], ...chosen } = options;
  const settings = { ...authorizationServerDefaults, ...chosen };
  const server = createServer();
  // The port is part of the issuer, and the provider needs the issuer: listen first.
  const issuer = `http://127.0.0.1:${await listenOnLoopback(server, port)}`;
  const storage = createProviderStorage();
  const { provider, record } = await createProvider(issuer, { settings, storage });
  const addClient = (client: DemoClient) => register(provider, { storage, client });
  for (const client of clients) await addClient(client);
  server.on('request', listenerOf(provider));

  return {
    issuer,
    url: issuer,
    resource: settings.resource,
    record,
    issuedSecrets: () => [...record.secrets],
    addClient,
    withdrawGrants: () => void storage.dropAll('Grant'),
    close: async () => {
      const closed = closeServer(server);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function createProvider(
  issuer: string,
  { settings, storage }: { readonly settings: ProviderSettings; readonly storage: ProviderStorage },
): Promise<{ readonly provider: ProviderInstance; readonly record: ProviderRecord }> {
  const offline = createOfflineRequests();
  const provider = new Provider(issuer, await createProviderConfiguration(settings, { storage, offline }));
  // What goes wrong inside is in the record, and the person sees the error page.
  provider.silent = true;
  offline.watch(provider);
  const record = recordProvider(provider);
  serveSignIn(provider, settings.acrValues);
  return { provider, record };
}

function listenerOf(provider: ProviderInstance): RequestListener {
  const callback = provider.callback();
  return (request, response) => void callback(request, response);
}

/** Clients lie in the storage like everything else, so one can be added while the server runs. */
async function register(
  provider: ProviderInstance,
  { storage, client }: { readonly storage: ProviderStorage; readonly client: DemoClient },
): Promise<void> {
  const metadata: ClientMetadata = {
    client_id: client.clientId,
    client_secret: client.clientSecret,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...(client.postLogoutRedirectUris ?? [])],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...(client.backchannelLogoutUri === undefined
      ? {}
      : { backchannel_logout_uri: client.backchannelLogoutUri, backchannel_logout_session_required: true }),
    ...client.metadata,
  };
  await provider.Client.validate(metadata);
  await storage.adapter('Client').upsert(client.clientId, metadata);
}
