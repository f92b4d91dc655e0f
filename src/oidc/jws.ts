/**
 * A signed token taken apart, before anything in it is believed: the compact form
 * and nothing else, every part in its one spelling, no member twice, no header
 * that would change what the signature means. Pure.
 *
 * Whether the signature is right is decided in key-set.ts.
 *
 * @module
 */

import { JsonError, type JsonObject, parseJsonObject } from './strict-json.ts';

/** The algorithms we verify with, whatever the authorization server offers beside them. No `none`, nothing symmetric (RFC 8725, 3.1). */
export const signatureAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/** One of {@link signatureAlgorithms}. */
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** Why a token is refused before or by its signature. */
export type JwsFault =
  | 'token-too-large'
  | 'token-form'
  | 'token-duplicate-member'
  | 'token-critical'
  | 'token-type'
  | 'token-algorithm'
  | 'encryption-unexpected'
  | 'encryption-missing'
  | 'encryption-algorithm'
  | 'encryption-compressed'
  | 'encryption-content'
  | 'encryption-key'
  | 'key-unknown'
  | 'signature';

/** Thrown for a token that is refused. */
export class JwsError extends Error {
  readonly reason: JwsFault;

  constructor(reason: JwsFault, cause?: unknown) {
    super(`signed token refused: ${reason}`, { cause });
    this.name = 'JwsError';
    this.reason = reason;
  }
}

/** A token whose parts could be read, and nothing more. */
export interface UnverifiedJws {
  readonly token: string;
  readonly algorithm: SignatureAlgorithm;
  /** Opaque: compared, never looked up anywhere else (RFC 8725, 3.10). */
  readonly kid: string | undefined;
  /** In lower case, without `application/`; empty when there is none. */
  readonly type: string;
  readonly claims: JsonObject;
}

/** A token this long holds some thousand claims; ours is stored with the session. */
const maxTokenLength = 64 * 1024;

/**
 * Takes a token apart. Throws {@link JwsError}.
 *
 * `jwk`, `jku`, `x5u` and `x5c` are not looked at: keys come from the key set of
 * the issuer alone (IT-15).
 *
 * @param algorithms Those that are accepted here; others are refused whatever key they fit.
 */
export function parseJws(token: string, algorithms: readonly SignatureAlgorithm[]): UnverifiedJws {
  if (token.length > maxTokenLength) throw new JwsError('token-too-large');
  const [header, payload, signature, ...more] = token.split('.');
  if (!header || !payload || !signature || more.length > 0) throw new JwsError('token-form');
  const head = readPart(header);
  if (!isCanonical(signature)) throw new JwsError('token-form');
  // An extension we do not know must be refused (RFC 7515, 4.1.11), and the one that jose knows turns the payload's encoding off.
  if (head['crit'] !== undefined || head['b64'] !== undefined) throw new JwsError('token-critical');
  const algorithm = algorithms.find((name) => name === head['alg']);
  if (algorithm === undefined) throw new JwsError('token-algorithm');
  return { token, algorithm, kid: kidOf(head), type: typeOf(head), claims: readPart(payload) };
}

/** One part of a token as JSON. Throws {@link JwsError}. */
export function readPart(part: string): JsonObject {
  if (!isCanonical(part)) throw new JwsError('token-form');
  try {
    return parseJsonObject(utf8.decode(Buffer.from(part, 'base64url')));
  } catch (cause) {
    const isDoubled = cause instanceof JsonError && cause.reason === 'duplicate-member';
    throw new JwsError(isDoubled ? 'token-duplicate-member' : 'token-form', cause);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether a part is base64url in its one spelling: no padding, no white space, no stray bits at the end (RFC 7515, 2). */
export function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

/** The name of the key; `undefined` where there is none. Throws {@link JwsError}. */
export function kidOf({ kid }: JsonObject): string | undefined {
  if (kid === undefined) return undefined;
  if (typeof kid !== 'string' || kid.length > 1024) throw new JwsError('token-form');
  return kid;
}

function typeOf({ typ }: JsonObject): string {
  if (typ === undefined) return '';
  if (typeof typ !== 'string') throw new JwsError('token-type');
  return typ.toLowerCase().replace(/^application\//, '');
}
