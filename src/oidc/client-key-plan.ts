/**
 * Which of our own client keys signs at an instant, which are published, and when
 * another is due. Pure: every instance comes to the same from the same list, so
 * nobody has to be in charge.
 *
 * A key is published from the moment it is made. It signs a lead time later, when
 * every copy of the key set that the provider may have kept is old; then the one
 * before it is published for that time once more, and is gone (CA-10).
 *
 * @module
 */

/** One key as it is kept. */
export interface PlannedKey {
  /** Its thumbprint. */
  readonly kid: string;
  /** When it was made, ms. */
  readonly createdAt: number;
  /** When it was withdrawn, ms: from then on it neither signs nor is published (CA-11). */
  readonly withdrawnAt?: number | undefined;
}

/** The times of a rotation, ms. */
export interface RotationTimes {
  /** The age of the newest key at which another is made. */
  readonly periodMs: number;
  /** From being published to signing, and from the last signature to being gone. Longer than the key set may be cached. */
  readonly leadMs: number;
}

/** What holds at an instant. */
export interface KeyPlan<Key extends PlannedKey> {
  /** `undefined` when there is none: one must be made at once. */
  readonly signing: Key | undefined;
  /** Newest first. */
  readonly published: readonly Key[];
  /** No longer published: may be forgotten. */
  readonly gone: readonly Key[];
  /** Whether another must be made. */
  readonly isDue: boolean;
}

/** The plan at `now`. */
export function planAt<Key extends PlannedKey>(
  keys: readonly Key[],
  { now, periodMs, leadMs }: RotationTimes & { readonly now: number },
): KeyPlan<Key> {
  const good = keys
    .filter(({ withdrawnAt }) => withdrawnAt === undefined)
    .toSorted((a, b) => b.createdAt - a.createdAt);
  const [newest] = good;
  // The oldest has nobody before it to wait for.
  const signing = good.find(({ createdAt }) => createdAt + leadMs <= now) ?? good.at(-1);
  const published = good.filter((key, at) => !isGone(good[at - 1], { now, leadMs }) || key === signing);
  return {
    signing,
    published,
    gone: keys.filter((key) => !published.includes(key)),
    isDue: newest === undefined || newest.createdAt + periodMs <= now,
  };
}

// A key is gone when its successor has been signing for the lead time.
function isGone(
  successor: PlannedKey | undefined,
  { now, leadMs }: { readonly now: number; readonly leadMs: number },
): boolean {
  return successor !== undefined && successor.createdAt + 2 * leadMs <= now;
}
