/**
 * The files that settings name: secrets, keys, rules, the page.
 *
 * @module
 */

import { readFileSync } from 'node:fs';

/** How files are read. */
export interface Files {
  /** The text of a file. Throws when it cannot be read. */
  readFile(path: string): string;
}

/** The files of this machine; relative paths start at the working directory. */
export const filesOnDisk: Files = { readFile: (path) => readFileSync(path, 'utf8') };

/** Reads each file once, so that what was checked is what is used. Failures are not kept. */
export function readingOnce(files: Files): Files {
  const texts = new Map<string, string>();
  return {
    readFile: (path) => {
      const text = texts.get(path) ?? files.readFile(path);
      texts.set(path, text);
      return text;
    },
  };
}

/** Why a file could not be read, as the system's word for it in brackets; empty when it gave none. */
export function causeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
}
