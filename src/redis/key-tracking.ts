/**
 * What Redis says of keys that were read: that somebody wrote them since.
 *
 * Server-assisted client-side caching (RESP3, `CLIENT TRACKING ON`): Redis remembers
 * what each connection has read and tells it once, when that is written, expires or
 * is evicted. node-redis passes this on, for one server as for Sentinel and Cluster,
 * to the object given as `clientSideCache` and to nothing else; so this is one that
 * caches nothing.
 *
 * @module
 */

import { BasicPooledClientSideCache } from 'redis';

/** Told the name of a key that was written; `undefined`: any may have been. */
export type KeyListener = (key: string | undefined) => void;

/** The listeners for changed keys, in the place of a cache. All connections that share their listeners share one. */
export class KeyTracking extends BasicPooledClientSideCache {
  readonly #listeners = new Set<KeyListener>();

  /** Calls `listener` for each change. Returns what stops it. */
  onChanged(listener: KeyListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells that changes may have been missed. */
  lost(): void {
    this.#tell(undefined);
  }

  /** For node-redis: runs the command and keeps nothing. */
  override async handleCache(
    ...[, parser, run, transform, mapping]: Parameters<BasicPooledClientSideCache['handleCache']>
  ): Promise<unknown> {
    const reply = await run();
    return transform === undefined ? reply : transform(reply, parser.preserve, mapping);
  }

  /** For node-redis: the server says that a key was written, or with `null` that all were. */
  override invalidate(key: string | Buffer | null): void {
    this.#tell(key === null ? undefined : key.toString());
  }

  /** For node-redis: what was read over some connection is not told of any more. */
  override clear(): void {
    this.lost();
  }

  /** For node-redis: a connection broke. */
  override onError(): void {
    this.lost();
  }

  /** For node-redis: a connection was closed. */
  override onClose(): void {
    this.lost();
  }

  #tell(key: string | undefined): void {
    for (const listener of this.#listeners) listener(key);
  }
}
