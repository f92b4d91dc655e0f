/**
 * The client's proof, and the server's metadata, in the form in which openid-client
 * takes them.
 *
 * @module
 */

import * as library from 'openid-client';
import type { ClientProof } from './client-proof.ts';
import type { ProviderMetadata } from './metadata.ts';

/** To whom an assertion is addressed: the issuer (RFC 7523bis), or the token endpoint for servers that know no better. */
export type AssertionAudience = 'issuer' | 'token-endpoint';

/** How the proof is given to one server. */
export interface AuthenticationOptions {
  readonly metadata: ProviderMetadata;
  readonly audience: AssertionAudience;
  /** The instant, ms. */
  readonly now: number;
}

/** How long an assertion is good for: it is made for one request. */
const assertionSeconds = 60;

/** What proves the client in one call. Throws `provider-unreachable` while there is no key to sign with. */
export function clientAuthentication(proof: ClientProof, options: AuthenticationOptions): library.ClientAuth {
  const { method, secret } = proof;
  switch (method) {
    case 'client_secret_basic':
      return library.ClientSecretBasic(secret?.reveal());
    case 'client_secret_post':
      return library.ClientSecretPost(secret?.reveal());
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return library.TlsClientAuth(); // the certificate is the back channel's; client_id goes into the body (RFC 8705, 2)
    case 'private_key_jwt':
      return assertion(proof, options);
  }
}

function assertion({ keys }: ClientProof, { metadata, audience, now }: AuthenticationOptions): library.ClientAuth {
  if (keys === undefined) throw new Error('private_key_jwt needs a key');
  const key = keys.signing;
  const algorithm = key.algorithmFor(metadata.token_endpoint_auth_signing_alg_values_supported);
  return library.PrivateKeyJwt(key.signingKey(algorithm), {
    [library.modifyAssertion]: (header, payload) => {
      header.alg = algorithm;
      if (keys.areNamed) header.kid = key.kid;
      if (audience === 'token-endpoint') payload.aud = metadata.token_endpoint;
      payload.iat = Math.floor(now / 1000);
      payload.exp = payload.iat + assertionSeconds;
      delete payload.nbf; // says what iat says, and a server whose clock is a little behind refuses it
    },
  });
}

/** The metadata as the library takes it. */
export function libraryMetadata({ passedOver: _passedOver, ...members }: ProviderMetadata): library.ServerMetadata {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as library.ServerMetadata; // the same members; the library's type wants writable lists
}
