/**
 * What the configured flow demands of the authorization server, held against its
 * metadata. Pure.
 *
 * A server that does not offer it is not used at all: `/readyz` and the log say
 * what is missing, `/login` answers 503, and nothing is done in a weaker way.
 *
 * @module
 */

import { type AuthorizationFlow, plainFlow } from '../config/authorization-flow.ts';
import type { SignatureAlgorithm } from './jws.ts';
import { type FlowFault, MetadataError, type ProviderMetadata } from './metadata.ts';

/** What FAPI 2.0 lets be signed with (5.4.1). */
const strongAlgorithms: ReadonlySet<string> = new Set(['PS256', 'ES256', 'EdDSA', 'Ed25519']);

/** RFC 9449 asks for an asymmetric one; ours is the one that every server with DPoP knows. */
const proofAlgorithm = 'ES256';

/** The metadata as the flow uses it: with fewer algorithms, where a profile says so. Throws {@link MetadataError}. */
export function demandedOf(metadata: ProviderMetadata, flow: AuthorizationFlow = plainFlow): ProviderMetadata {
  const narrowed = flow.isFapi2 ? withStrongAlgorithms(metadata) : metadata;
  const [lack] = lacksOf(narrowed, flow);
  if (lack !== undefined) throw new MetadataError(...lack);
  return narrowed;
}

type Lack = readonly [reason: FlowFault | 'no-common-algorithm', what: string];

function lacksOf(metadata: ProviderMetadata, { pushed, responseMode, dpop, isFapi2 }: AuthorizationFlow): Lack[] {
  const lacks: Lack[] = [];
  if (pushed === 'required' && metadata.pushed_authorization_request_endpoint === undefined)
    lacks.push(['pushed-requests-missing', 'PAR=required needs pushed_authorization_request_endpoint']);
  if (!offersMode(metadata, responseMode))
    lacks.push(['response-mode-missing', `RESPONSE_MODE=${responseMode} is not in response_modes_supported`]);
  if (dpop && metadata.dpop_signing_alg_values_supported?.includes(proofAlgorithm) === false)
    lacks.push(['dpop-algorithm-missing', `DPOP=on needs ${proofAlgorithm} in dpop_signing_alg_values_supported`]);
  if (metadata.id_token_signing_alg_values_supported.length === 0)
    lacks.push(['no-common-algorithm', 'id_token_signing_alg_values_supported']);
  if (responseMode === 'jwt' && metadata.authorization_signing_alg_values_supported.length === 0)
    lacks.push(['no-common-algorithm', 'authorization_signing_alg_values_supported']);
  // A signed response names its issuer by itself (JARM, 2.1).
  if (isFapi2 && responseMode !== 'jwt' && !metadata.authorization_response_iss_parameter_supported)
    lacks.push(['issuer-in-response-missing', 'PROFILE=fapi2 needs authorization_response_iss_parameter_supported']);
  if (isFapi2 && metadata.code_challenge_methods_supported?.includes('S256') !== true)
    lacks.push(['pkce-missing', 'PROFILE=fapi2 needs S256 in code_challenge_methods_supported']);
  return lacks;
}

// A server that says nothing is tried: an answer in another mode is refused. One that does may call the signed query by either name (JARM, 2.3).
function offersMode({ response_modes_supported: modes }: ProviderMetadata, mode: string): boolean {
  if (mode === 'query') return true;
  return modes === undefined || modes.includes(mode) || (mode === 'jwt' && modes.includes('query.jwt'));
}

function withStrongAlgorithms(metadata: ProviderMetadata): ProviderMetadata {
  const strong = (algorithms: readonly SignatureAlgorithm[]) => algorithms.filter((name) => strongAlgorithms.has(name));
  return {
    ...metadata,
    id_token_signing_alg_values_supported: strong(metadata.id_token_signing_alg_values_supported),
    userinfo_signing_alg_values_supported: strong(metadata.userinfo_signing_alg_values_supported),
    authorization_signing_alg_values_supported: strong(metadata.authorization_signing_alg_values_supported),
    // With none in common our own first choice is taken, which is a strong one.
    token_endpoint_auth_signing_alg_values_supported: metadata.token_endpoint_auth_signing_alg_values_supported?.filter(
      (name) => strongAlgorithms.has(name),
    ),
  };
}
