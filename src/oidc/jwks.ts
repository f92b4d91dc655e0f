/**
 * `GET /.well-known/jwks.json`: the public halves of the client's keys, for the
 * authorization server that verifies what we sign (OIDC Core, 10.1).
 *
 * @module
 */

import { jsonReply, type Reply } from '../http/reply.ts';

/** What is published. */
export interface JwksParts {
  readonly provider: { readonly clientJwks: readonly object[] };
}

/** Copies of the set are old after this, s: much shorter than the time from a key's publication to its first use (CA-09). */
const maxAge = 300;

/** The set; empty where the client has no keys. */
export async function answerJwks({ provider }: JwksParts): Promise<Reply> {
  const headers = { 'Content-Type': 'application/jwk-set+json', 'Cache-Control': `public, max-age=${maxAge}` };
  return jsonReply(200, { keys: provider.clientJwks }, headers);
}
