/**
 * An authorization server of the strict profile: oidc-provider over TLS with
 * pushed requests, keys instead of secrets, proofs with nonces of its own, signed
 * responses and strong algorithms alone. It has the two people of the demo.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { ClientMetadata, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { authorizationServerDefaults } from '../../demo/authorization-server.ts';
import { closeServer, listenOnLoopback } from '../../demo/loopback.ts';
import { createOfflineRequests } from '../../demo/offline-access.ts';
import { createProviderConfiguration } from '../../demo/provider-configuration.ts';
import { type ProviderRecord, recordProvider } from '../../demo/provider-record.ts';
import { createProviderStorage } from '../../demo/provider-storage.ts';
import { Provider } from '../../demo/quiet-provider.ts';
import { serveSignIn } from '../../demo/sign-in.ts';

/** How one is started. */
export interface StrictProviderOptions {
  /** PEM, for 127.0.0.1. */
  readonly tls: { readonly key: string; readonly cert: string };
  /** Its one client, in the names of RFC 7591. */
  readonly client: ClientMetadata;
  /** Whether clients may show certificates, and tokens are bound to them. */
  readonly mutualTls?: boolean;
  /** `false`: nothing is demanded but TLS, clients may prove themselves in every way, and no token is bound. */
  readonly isStrict?: boolean;
  /** Whose certificates of clients are believed (`tls_client_auth`), PEM. */
  readonly clientAuthority?: string;
}

/** One request it got. */
export interface StrictRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly dpop: string | undefined;
  readonly status: () => number;
}

/** A running one. */
export interface StrictProvider {
  readonly issuer: string;
  readonly record: ProviderRecord;
  /** Oldest first. */
  readonly requests: readonly StrictRequest[];
  close(): Promise<void>;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startStrictProvider({
  tls,
  client,
  mutualTls = false,
  isStrict = true,
  clientAuthority,
}: StrictProviderOptions) {
  const authorities = clientAuthority === undefined ? {} : { ca: [tls.cert, clientAuthority] };
  const requestCert = mutualTls || !isStrict;
  const server = createServer({ ...tls, ...authorities, requestCert, rejectUnauthorized: false });
  const issuer = `https://127.0.0.1:${await listenOnLoopback(server as never, 0)}`; // a server of https is one of TLS, which is one of net
  const storage = createProviderStorage();
  const offline = createOfflineRequests();
  const usual = await createProviderConfiguration(authorizationServerDefaults, { storage, offline });
  const provider = new Provider(issuer, isStrict ? await strictly(usual, { mutualTls }) : plainly(usual));
  provider.silent = true;
  offline.watch(provider);
  serveSignIn(provider, authorizationServerDefaults.acrValues);
  await provider.Client.validate(client);
  await storage.adapter('Client').upsert(client.client_id, client);
  const requests: StrictRequest[] = [];
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer);
    const dpop = request.headers['dpop'];
    requests.push({
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      dpop: typeof dpop === 'string' ? dpop : undefined,
      status: () => response.statusCode,
    });
    void answer(request, response);
  });
  const strict: StrictProvider = {
    issuer,
    record: recordProvider(provider),
    requests,
    close: async () => {
      const closed = closeServer(server as never); // as above
      server.closeAllConnections();
      await closed;
    },
  };
  return strict;
}

/** Every connection is one of TLS. */
const certificateOf = ({ req }: KoaContextWithOIDC) => (req.socket as TLSSocket).getPeerX509Certificate();

function plainly(usual: Configuration): Configuration {
  return {
    ...usual,
    clientAuthMethods: [
      ...(['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const),
      ...(['tls_client_auth', 'self_signed_tls_client_auth'] as const),
    ],
    features: {
      ...usual.features,
      mTLS: {
        ...{ enabled: true, tlsClientAuth: true, selfSignedTlsClientAuth: true, getCertificate: certificateOf },
        certificateAuthorized: ({ req }) => (req.socket as TLSSocket).authorized,
        certificateSubjectMatches: (context, property, expected) =>
          property === 'tls_client_auth_subject_dn' && certificateOf(context)?.subject === expected,
      },
    },
  };
}

async function strictly(usual: Configuration, { mutualTls }: { mutualTls: boolean }): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  // jose types `kty` as any string; this algorithm has one key type.
  const key = { ...(await exportJWK(privateKey)), kid: 'strict', alg: 'ES256', use: 'sig' } as JWK & { kty: 'EC' };
  const { resourceIndicators, ...features } = usual.features ?? {};
  return {
    ...usual,
    jwks: { keys: [key] },
    clientAuthMethods: ['private_key_jwt', ...(mutualTls ? (['self_signed_tls_client_auth'] as const) : [])],
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      authorizationSigningAlgValues: ['ES256'],
      userinfoSigningAlgValues: ['ES256'],
      clientAuthSigningAlgValues: ['ES256', 'PS256', 'EdDSA'],
      dPoPSigningAlgValues: ['ES256', 'PS256', 'EdDSA'],
    },
    features: {
      ...features,
      fapi: { enabled: true, profile: '2.0' },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      jwtResponseModes: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      mTLS: {
        enabled: mutualTls,
        certificateBoundAccessTokens: mutualTls,
        selfSignedTlsClientAuth: mutualTls,
        getCertificate: certificateOf,
      },
      resourceIndicators: {
        ...resourceIndicators,
        getResourceServerInfo: async (...asked) => ({
          ...(await resourceIndicators?.getResourceServerInfo?.(...asked)),
          scope: 'orders.read orders.write',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}
