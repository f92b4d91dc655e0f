/**
 * Client keys that Claimcheck makes, replaces and forgets by itself. They lie
 * sealed in the store, where all instances find the same ones; which of them signs
 * is decided by client-key-plan.ts.
 *
 * While the store is away the keys that are known go on signing: what was published
 * stays so. A key that was withdrawn elsewhere is noticed within seconds of the
 * store being reached.
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import { SingleFlight } from '../base/single-flight.ts';
import { ProblemError } from '../errors.ts';
import type { TextSeal } from '../keys/text-seal.ts';
import { type ClientKey, clientKeyFrom, newClientKeyPem } from './client-key.ts';
import { type PlannedKey, planAt, type RotationTimes } from './client-key-plan.ts';
import type { ClientKeys } from './client-keys.ts';

/** Where the sealed list lies: one value, written only over the version that was read. */
export interface KeyListStore {
  /** The list and the count of its writes; `undefined` when there is none. Throws `store-unavailable`. */
  read(): Promise<{ readonly version: number; readonly sealed: string } | undefined>;
  /** Writes over `version` (0: none yet). `false` when another wrote meanwhile. Throws `store-unavailable`. */
  write(sealed: string, version: number): Promise<boolean>;
}

/** What became of a key, for the audit trail. */
export type KeyChange = 'created' | 'activated' | 'withdrawn' | 'removed';

/** What managed keys are made from. */
export interface ManagedClientKeysParts {
  readonly store: KeyListStore;
  readonly seal: TextSeal;
  readonly times: RotationTimes;
  readonly clock: Clock;
  readonly onChange: (change: KeyChange, kid: string) => void;
  /** Told when the list cannot be had or read, with the cause. */
  readonly onTrouble: (cause: unknown) => void;
}

/** A withdrawn key signs nowhere after this, ms (CA-11 asks for 5 s). */
const lookMs = 3_000;
/** While nothing was read yet: at a start the store is reached a moment later. */
const firstLookMs = 250;
const purpose = 'client-keys';
/** Each attempt finds what another instance wrote; more of them than there are instances are never needed in practice. */
const mostAttempts = 10;

interface KeptKey extends PlannedKey {
  /** PEM (PKCS#8). */
  readonly pem: string;
}

interface List {
  readonly version: number;
  readonly keys: readonly KeptKey[];
}

/** The keys of one client, kept new. */
export class ManagedClientKeys implements ClientKeys {
  readonly areNamed = true;
  readonly #parts: ManagedClientKeysParts;
  readonly #flights = new SingleFlight<void>();
  /** Parsed once each: reading a PEM costs more than a signature. */
  readonly #parsed = new Map<string, ClientKey>();
  /** `undefined` until it was read once. */
  #known: List | undefined;
  #lastSigning: string | undefined;
  #cancel: Cancel = () => {};
  #closed = false;

  constructor(parts: ManagedClientKeysParts) {
    this.#parts = parts;
  }

  get signing(): ClientKey {
    const { signing } = this.#plan();
    if (signing === undefined)
      throw new ProblemError('provider-unreachable', { cause: new Error('no client key yet') });
    return this.#parse(signing);
  }

  get published(): readonly ClientKey[] {
    return this.#plan().published.map((key) => this.#parse(key));
  }

  /** Reads the list, makes what is due, and goes on by itself. Does not throw: a server starts without its store. */
  async start(): Promise<void> {
    await this.#look();
  }

  /** For other `SESSION_SECRETS`: see `TextSeal.prepare`. The list is sealed anew when it is written next. */
  prepare(secrets: readonly Secret[]): () => void {
    return this.#parts.seal.prepare(secrets);
  }

  /** Ends the looking. */
  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** What is kept, for a list: never a key itself. Reads the store. */
  async inventory(): Promise<
    readonly (PlannedKey & { readonly state: 'signing' | 'published' | 'withdrawn' | 'gone' })[]
  > {
    await this.#read();
    const { signing, published } = this.#plan();
    return this.#list.keys.map((key) => {
      const { pem: _pem, ...rest } = key;
      const isGone = key.withdrawnAt === undefined ? ('gone' as const) : ('withdrawn' as const);
      return { ...rest, state: key === signing ? 'signing' : published.includes(key) ? 'published' : isGone };
    });
  }

  /** Makes another key now; it signs after the lead time. Its thumbprint. Throws `store-unavailable`. */
  async add(): Promise<string> {
    const made = this.#make();
    await this.#change((keys) => [...keys, made]);
    return made.kid;
  }

  /** Takes a key out of use at once, everywhere within seconds. `false` when it is not known. Another is made when none is left. */
  async withdraw(kid: string): Promise<boolean> {
    const withdrawnAt = this.#parts.clock.now();
    await this.#read();
    if (!this.#list.keys.some((key) => key.kid === kid && key.withdrawnAt === undefined)) return false;
    await this.#change((keys) => keys.map((key) => (key.kid === kid ? { ...key, withdrawnAt } : key)));
    await this.#tend();
    return true;
  }

  async #look(): Promise<void> {
    try {
      await this.#flights.run('', async () => {
        await this.#read();
        await this.#tend();
      });
    } catch (cause) {
      this.#parts.onTrouble(cause);
    }
    this.#cancel();
    const pauseMs = this.#known === undefined ? firstLookMs : lookMs;
    if (!this.#closed) this.#cancel = this.#parts.clock.after(pauseMs, () => void this.#look());
  }

  // Makes what is due and forgets what is gone.
  async #tend(): Promise<void> {
    const { gone, isDue } = this.#plan();
    const old = gone.filter((key) => key.withdrawnAt === undefined || this.#isLongWithdrawn(key));
    if (isDue || old.length > 0) {
      const made = isDue ? [this.#make()] : [];
      await this.#change((keys) => [...keys.filter((key) => !old.some(({ kid }) => kid === key.kid)), ...made], {
        once: true,
      });
    }
    this.#noteSigning();
  }

  // Kept for a while, so that the list can say what became of it.
  #isLongWithdrawn({ withdrawnAt = 0 }: KeptKey): boolean {
    return this.#parts.clock.now() - withdrawnAt > this.#parts.times.periodMs;
  }

  #noteSigning(): void {
    const kid = this.#plan().signing?.kid;
    if (kid !== undefined && this.#lastSigning !== undefined && kid !== this.#lastSigning) {
      this.#parts.onChange('activated', kid);
    }
    this.#lastSigning = kid;
  }

  async #read(): Promise<void> {
    const stored = await this.#parts.store.read();
    if (stored === undefined) {
      this.#adopt({ version: 0, keys: [] });
      return;
    }
    if (stored.version === this.#list.version) return;
    const text = this.#parts.seal.open(stored.sealed, purpose);
    if (text === undefined) throw new Error('the client keys in the store were sealed under another secret');
    this.#adopt({ version: stored.version, keys: keysIn(text) });
  }

  get #list(): List {
    return this.#known ?? { version: 0, keys: [] };
  }

  // Every instance tells what it sees happen, whoever did it: one whose write was not confirmed did it all the same.
  #adopt(list: List): void {
    const before = this.#known;
    this.#known = list;
    if (before === undefined) return;
    for (const { kid, withdrawnAt } of list.keys) {
      const old = before.keys.find((key) => key.kid === kid);
      if (old === undefined) this.#parts.onChange('created', kid);
      if (withdrawnAt !== undefined && old?.withdrawnAt === undefined) this.#parts.onChange('withdrawn', kid);
    }
    for (const { kid } of before.keys.filter((key) => !list.keys.some((now) => now.kid === key.kid))) {
      this.#parts.onChange('removed', kid);
    }
  }

  // Writes over what was read; when another instance was first, reads that and, unless asked to do it once, tries again.
  async #change(
    next: (keys: readonly KeptKey[]) => readonly KeptKey[],
    { once = false }: { readonly once?: boolean } = {},
  ): Promise<void> {
    const { store, seal } = this.#parts;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const { version, keys } = this.#list;
      const changed = next(keys);
      if (await store.write(seal.seal(JSON.stringify(changed), purpose), version)) {
        this.#adopt({ version: version + 1, keys: changed });
        return;
      }
      await this.#read();
      if (once) return;
    }
    throw new ProblemError('store-unavailable', { cause: new Error('the client keys are being changed all the time') });
  }

  #make(): KeptKey {
    const pem = newClientKeyPem();
    return { kid: clientKeyFrom(pem).kid, createdAt: this.#parts.clock.now(), pem: pem.reveal() };
  }

  #parse({ kid, pem }: KeptKey): ClientKey {
    const known = this.#parsed.get(kid);
    if (known !== undefined) return known;
    const key = clientKeyFrom(new Secret(pem));
    if (this.#parsed.size > 100) this.#parsed.clear();
    this.#parsed.set(kid, key);
    return key;
  }

  #plan() {
    const { times, clock } = this.#parts;
    return planAt(this.#list.keys, { ...times, now: clock.now() });
  }
}

function keysIn(text: string): readonly KeptKey[] {
  const list: unknown = JSON.parse(text); // it was sealed by us, so it is ours
  return list as readonly KeptKey[];
}
