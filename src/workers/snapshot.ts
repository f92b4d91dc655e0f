/**
 * What the primary read for all workers at once: an environment, and every file that
 * the configuration looked at. So no worker serves with another configuration than its
 * neighbour, also one that takes the place of a dead one later. Never written anywhere:
 * it holds secrets.
 *
 * @module
 */

import type { Environment } from '../config/environment.ts';
import type { Files } from '../config/files.ts';

/** An environment and the files that were read beside it. Goes from process to process as it is. */
export interface Snapshot {
  readonly env: Environment;
  /** By path. */
  readonly texts: Readonly<Record<string, string>>;
  /** The system's word for why a file could not be read, by path. */
  readonly failures: Readonly<Record<string, string>>;
}

/** Runs `read` with files that are noted, and gives what it gave with the snapshot. Throws what `read` throws. */
export function snapshotOf<Result>(
  { env, disk }: { readonly env: Environment; readonly disk: Files },
  read: (files: Files) => Result,
): { readonly snapshot: Snapshot; readonly result: Result } {
  const texts: Record<string, string> = {};
  const failures: Record<string, string> = {};
  const readFile = (path: string): string => {
    try {
      texts[path] ??= disk.readFile(path);
      return texts[path];
    } catch (error) {
      failures[path] = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
      throw error;
    }
  };
  const result = read({ readFile });
  return { snapshot: { env: { ...env }, texts, failures }, result };
}

/** The files of a snapshot. A file that was not read fails as it did then. */
export function filesOf({ texts, failures }: Snapshot): Files {
  return {
    readFile: (path) => {
      const text = texts[path];
      if (text !== undefined) return text;
      throw Object.assign(new Error(`${path} cannot be read`), { code: failures[path] ?? 'ENOENT' });
    },
  };
}
