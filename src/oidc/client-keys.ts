/**
 * Where the client's keys come from: a file of the operator's, or keys that are
 * made, replaced and forgotten by themselves (managed-client-keys.ts).
 *
 * @module
 */

import type { Secret } from '../base/secret.ts';
import { type ClientKey, clientKeysFrom } from './client-key.ts';

/** The keys of the client, as they are now. */
export interface ClientKeys {
  /** The one to sign with. Throws `provider-unreachable` while there is none. */
  readonly signing: ClientKey;
  /** All that are published, newest first. */
  readonly published: readonly ClientKey[];
  /** Whether assertions name their key. A single key of a file needs no name, and one that the server was not told makes some refuse it. */
  readonly areNamed: boolean;
}

/** The keys of a file: the first signs, the others are only published. */
export class FileClientKeys implements ClientKeys {
  readonly #keys: readonly [ClientKey, ...ClientKey[]];

  constructor(pems: Secret) {
    this.#keys = clientKeysFrom(pems);
  }

  get signing(): ClientKey {
    return this.#keys[0];
  }

  get published(): readonly ClientKey[] {
    return this.#keys;
  }

  get areNamed(): boolean {
    return this.#keys.length > 1;
  }
}
