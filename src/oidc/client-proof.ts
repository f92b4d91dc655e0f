/**
 * What the client proves itself with at the authorization server, and how another
 * secret or key takes its place while the server runs.
 *
 * @module
 */

import type { Secret } from '../base/secret.ts';
import type { Config } from '../config/config.ts';
import { type ClientKey, clientKeyFrom } from './client-key.ts';

type Given = Pick<Config['client'], 'secret' | 'key'>;

/** The secret or the key of one client. Requests that are under way keep what they began with. */
export class ClientProof {
  #secret: Secret | undefined;
  #key: ClientKey | undefined;

  /** Throws, without repeating it, when the key is not usable. */
  constructor(client: Given) {
    this.#secret = client.secret;
    this.#key = keyOf(client);
  }

  /** For the methods that send a secret. */
  get secret(): Secret | undefined {
    return this.#secret;
  }

  /** For `private_key_jwt`. */
  get key(): ClientKey | undefined {
    return this.#key;
  }

  /** Reads another secret or key, and gives what puts it in place of the old one and cannot fail. Throws as the constructor does. */
  prepare(client: Given): () => void {
    const key = keyOf(client);
    return () => {
      this.#secret = client.secret;
      this.#key = key;
    };
  }
}

function keyOf({ key }: Given): ClientKey | undefined {
  return key === undefined ? undefined : clientKeyFrom(key);
}
