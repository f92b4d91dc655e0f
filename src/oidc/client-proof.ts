/**
 * What the client proves itself with, as it is now: a secret, its keys, or a
 * certificate. It may change while the server runs.
 *
 * While a secret is being replaced there are two. The one that was accepted last
 * is used; when it is refused the other is tried once, since a client that is not
 * authenticated spends neither a code nor a refresh token (RFC 6749, 5.2).
 *
 * @module
 */

import type { Secret } from '../base/secret.ts';
import type { ClientAuthMethod, FrontendConfig } from '../config/config.ts';
import { type ClientKeys, FileClientKeys } from './client-keys.ts';
import { GrantError } from './grant.ts';

/** How the client proves itself. */
export class ClientProof {
  readonly method: ClientAuthMethod;
  readonly #kept: ClientKeys | undefined;
  #file: FileClientKeys | undefined;
  #secrets: readonly Secret[];

  /** @param kept Keys that are kept elsewhere than in the client's own file. Throws when a key cannot be used. */
  constructor(client: FrontendConfig['client'], kept?: ClientKeys) {
    this.method = client.authMethod;
    this.#kept = kept;
    this.#file = fileKeysOf(client);
    this.#secrets = secretsOf(client);
  }

  /** Where the method signs. */
  get keys(): ClientKeys | undefined {
    return this.#kept ?? this.#file;
  }

  /** The secret to use now; `undefined` where the method needs none. */
  get secret(): Secret | undefined {
    return this.#secrets[0];
  }

  /** Reads other secrets and keys, and gives what puts them in place and cannot fail. Throws when a key cannot be used. */
  prepare(client: FrontendConfig['client']): () => void {
    const file = fileKeysOf(client);
    const secrets = secretsOf(client);
    return () => {
      this.#file = file;
      this.#secrets = secrets;
    };
  }

  /** Asks as the client; once more with the other secret when this one is refused. */
  async trying<Result>(ask: () => Promise<Result>): Promise<Result> {
    const used = this.secret;
    try {
      return await ask();
    } catch (error) {
      const isRefused =
        error instanceof GrantError && error.kind === 'client-refused' && !saysNothingOfSecrets.has(error.reason);
      if (!isRefused || this.#secrets.length < 2) throw error;
      this.#turnFrom(used);
      return ask();
    }
  }

  // Many may be refused at a time; the secrets change places once.
  #turnFrom(used: Secret | undefined): void {
    if (this.secret === used) this.#secrets = this.#secrets.toReversed();
  }
}

/** Refusals of the client that another secret would not change. */
const saysNothingOfSecrets: ReadonlySet<string> = new Set(['unauthorized_client', 'invalid_dpop_proof']);

function fileKeysOf({ authMethod, key }: FrontendConfig['client']): FileClientKeys | undefined {
  return authMethod === 'private_key_jwt' && key !== undefined ? new FileClientKeys(key) : undefined;
}

function secretsOf({ secret, fallbackSecret }: FrontendConfig['client']): readonly Secret[] {
  return [secret, fallbackSecret].filter((each) => each !== undefined);
}
