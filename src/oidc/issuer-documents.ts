/**
 * What an authorization server publishes about itself: its metadata, and the keys
 * it signs with. Both are fetched here, kept new, and reported when they cannot be
 * had.
 *
 * @module
 */

import type { BackChannel } from './back-channel.ts';
import type { Endpoint } from './back-channel-answer.ts';
import { demandedOf } from './flow-demands.ts';
import { GrantError } from './grant.ts';
import { type ExpectedJws, KeySet, type VerifiedJws } from './key-set.ts';
import { metadataFrom, metadataUrl, type ProviderMetadata } from './metadata.ts';
import { MetadataSource } from './metadata-source.ts';
import { ProviderHealth } from './provider-health.ts';
import type { ProviderOptions } from './provider-options.ts';
import type { JsonObject } from './strict-json.ts';

/** What the documents are judged with. */
export type DocumentsOptions = Pick<ProviderOptions, 'issuer' | 'clock' | 'log' | 'report' | 'client'>;

/** The published documents of one issuer. */
export class IssuerDocuments {
  readonly #channel: BackChannel;
  readonly #metadata: MetadataSource;
  readonly #keys: KeySet;

  constructor(options: DocumentsOptions, channel: BackChannel) {
    const { issuer, clock, client } = options;
    const health = new ProviderHealth(options);
    this.#channel = channel;
    this.#metadata = new MetadataSource({
      load: async () => {
        const published = await this.#read('metadata', metadataUrl(issuer));
        const metadata = demandedOf(metadataFrom(published, issuer), client.flow);
        health.note(metadata);
        return metadata;
      },
      clock,
      onAttempt: (failure) => health.tell('metadata', failure),
    });
    this.#keys = new KeySet({
      fetch: async () => this.#read('key-set', (await this.#metadata.need()).jwks_uri),
      clock,
      onFetched: (failure) => health.tell('key-set', failure),
    });
  }

  /** Fetches both, and keeps them new from then on. Does not throw. */
  async start(): Promise<void> {
    await this.#metadata.start();
    if (this.metadata !== undefined) await this.#keys.warm();
  }

  /** Ends the attempts. */
  close(): void {
    this.#metadata.close();
  }

  /** The last good metadata; `undefined` until there was one. */
  get metadata(): ProviderMetadata | undefined {
    return this.#metadata.current;
  }

  /** The metadata, for somebody who cannot go on without. Throws `provider-unreachable`. */
  needMetadata(): Promise<ProviderMetadata> {
    return this.#metadata.need();
  }

  /** Verifies a signed token. Throws `JwsError`, or `KeySetError` when there are no keys to tell with. */
  verify(token: string, expected: ExpectedJws): Promise<VerifiedJws> {
    return this.#keys.verify(token, expected);
  }

  async #read(endpoint: Endpoint, url: string): Promise<JsonObject> {
    const headers = { accept: 'application/json' };
    const { status, json } = await this.#channel.ask({ endpoint, url, method: 'GET', headers });
    if (status === 200 && json !== undefined) return json;
    throw new GrantError('unreachable', { reason: `status-${status}` });
  }
}
