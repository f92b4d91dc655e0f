/**
 * Opens what the authorization server encrypted for us: ID tokens, answers of UserInfo,
 * logout tokens (OIDC Core, 10.2; Back-Channel Logout, 2.6).
 *
 * What comes out is a signed token that still has every check before it. The refusals
 * are told to the log alone, and the same way whatever stood in the way of opening, so
 * nobody can ask us about their ciphertexts.
 *
 * @module
 */

import { compactDecrypt, errors } from 'jose';
import type { FrontendConfig } from '../config/config.ts';
import type { Answer, Endpoint } from './back-channel-answer.ts';
import { type DecryptionKey, decryptionKeysFrom } from './decryption-key.ts';
import { isEncrypted, type JweHead, nestedTokenIn, readJweHead } from './jwe.ts';
import { JwsError } from './jws.ts';

type Settings = FrontendConfig['client']['decryption'];

/** Keys tried for one token that names none. */
const mostTried = 4;

/** Opens tokens with the keys of one client, or none. */
export class Decryption {
  #keys: readonly DecryptionKey[];
  #isRequired: boolean;

  /** Throws when a key cannot be used. */
  constructor(settings: Settings) {
    this.#keys = keysOf(settings);
    this.#isRequired = settings?.isRequired ?? false;
  }

  /** What the authorization server encrypts to: the first key alone, so that a new one is used as soon as it is first. */
  get published(): readonly DecryptionKey['publicJwk'][] {
    return this.#keys.slice(0, 1).map(({ publicJwk }) => publicJwk);
  }

  /** Reads other keys, and gives what puts them in place and cannot fail. Throws when one cannot be used. */
  prepare(settings: Settings): () => void {
    const keys = keysOf(settings);
    return () => {
      this.#keys = keys;
      this.#isRequired = settings?.isRequired ?? false;
    };
  }

  /** An ID token or logout token in clear. Throws `JwsError`, also for one that is in clear where that is not accepted. */
  async open(token: string): Promise<string> {
    if (isEncrypted(token)) return this.#opened(token);
    if (this.#isRequired) throw new JwsError('encryption-missing');
    return token;
  }

  /** An answer of the authorization server with its token in clear. Throws as {@link open}. */
  async openAnswer(endpoint: Endpoint, answer: Answer): Promise<Answer> {
    const { json, text, status } = answer;
    if (status !== 200) return answer;
    if (endpoint === 'user-info') {
      // Registered apart from ID tokens, so it may come in clear in any case.
      return json === undefined && isEncrypted(text) ? { ...answer, text: await this.#opened(text) } : answer;
    }
    if (endpoint !== 'token' || typeof json?.['id_token'] !== 'string') return answer;
    const opened = { ...json, id_token: await this.open(json['id_token']) };
    return { ...answer, json: opened, text: JSON.stringify(opened) };
  }

  async #opened(token: string): Promise<string> {
    if (this.#keys.length === 0) throw new JwsError('encryption-unexpected');
    const head = readJweHead(token);
    for (const key of this.#candidatesFor(head)) {
      const plaintext = await openedWith(key, { token, head });
      if (plaintext !== undefined) return nestedTokenIn(plaintext);
    }
    throw new JwsError('encryption-key');
  }

  // A name that is not known may be that of a key under another scheme of names: the fitting ones are tried then, too.
  #candidatesFor({ alg, kid }: JweHead): readonly DecryptionKey[] {
    const fitting = this.#keys.filter(({ algorithms }) => algorithms.includes(alg)).slice(0, mostTried);
    const named = fitting.filter((key) => key.kid === kid);
    return named.length > 0 ? named : fitting;
  }
}

function keysOf(settings: Settings): readonly DecryptionKey[] {
  return settings?.keys === undefined ? [] : decryptionKeysFrom(settings.keys);
}

async function openedWith(
  { privateKey }: DecryptionKey,
  { token, head }: { readonly token: string; readonly head: JweHead },
): Promise<Uint8Array | undefined> {
  const only = { keyManagementAlgorithms: [head.alg], contentEncryptionAlgorithms: [head.enc] };
  try {
    return (await compactDecrypt(token, privateKey, only)).plaintext;
  } catch (error) {
    // Another key, a changed byte, a point off its curve: the library names them apart, we do not.
    if (error instanceof errors.JOSEError || error instanceof DOMException || error instanceof TypeError)
      return undefined;
    throw error;
  }
}
