/**
 * Where the demo's authorization server keeps codes, tokens, grants and sessions:
 * in memory, one storage for each start, gone when it stops.
 *
 * The adapter that comes with oidc-provider keeps at most 1 000 entries and drops
 * the oldest silently, which a test that signs in often would take for a revoked
 * token. This one keeps what has not expired.
 *
 * @module
 */

import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  /** Milliseconds since the epoch; `Infinity` for what has no end, such as a client. */
  readonly expiresAt: number;
}

/** One storage for all models of one provider. */
export interface ProviderStorage {
  /** What oidc-provider calls for each of its models. */
  readonly adapter: AdapterFactory;
  /** Drops every entry of a model, for example all `Grant`s, and says how many there were. */
  dropAll(model: string): number;
}

/** Writes between two searches for expired entries. */
const sweepEvery = 500;

/** Makes an empty storage. */
export function createProviderStorage(): ProviderStorage {
  const entries = new Map<string, Entry>();
  let writes = 0;

  const adapter: AdapterFactory = (model) =>
    new MemoryAdapter(model, entries, () => {
      writes += 1;
      if (writes % sweepEvery === 0) dropExpired(entries);
    });

  return { adapter, dropAll: (model) => dropAll(entries, model) };
}

function dropExpired(entries: Map<string, Entry>): void {
  const now = Date.now();
  for (const [key, { expiresAt }] of entries) if (expiresAt <= now) entries.delete(key);
}

function dropAll(entries: Map<string, Entry>, model: string): number {
  const keys = [...entries.keys()].filter((key) => key.startsWith(`${model}:`));
  for (const key of keys) entries.delete(key);
  return keys.length;
}

class MemoryAdapter implements Adapter {
  readonly #model: string;
  readonly #entries: Map<string, Entry>;
  readonly #afterWrite: () => void;

  constructor(model: string, entries: Map<string, Entry>, afterWrite: () => void) {
    this.#model = model;
    this.#entries = entries;
    this.#afterWrite = afterWrite;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000;
    this.#entries.set(this.#key(id), { payload: { ...payload }, expiresAt });
    this.#afterWrite();
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const entry = this.#entries.get(this.#key(id));
    return entry && entry.expiresAt > Date.now() ? { ...entry.payload } : undefined;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findBy((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findBy((payload) => payload.userCode === userCode);
  }

  async consume(id: string): Promise<void> {
    const key = this.#key(id);
    const entry = this.#entries.get(key);
    if (!entry) return;
    const consumed = Math.floor(Date.now() / 1000);
    this.#entries.set(key, { ...entry, payload: { ...entry.payload, consumed } });
  }

  async destroy(id: string): Promise<void> {
    this.#entries.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of this.#entries) {
      if (key.startsWith(`${this.#model}:`) && payload.grantId === grantId) this.#entries.delete(key);
    }
  }

  #key(id: string): string {
    return `${this.#model}:${id}`;
  }

  #findBy(matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    const now = Date.now();
    for (const [key, { payload, expiresAt }] of this.#entries) {
      if (key.startsWith(`${this.#model}:`) && expiresAt > now && matches(payload)) return { ...payload };
    }
    return undefined;
  }
}
