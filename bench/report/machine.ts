/**
 * What a machine is, as far as it matters to a figure. Neither its name nor a path.
 *
 * @module
 */

import { cpus, release, totalmem } from 'node:os';

/** One line each, for the head of a report. */
export function machineLines(): readonly string[] {
  const all = cpus();
  return [
    `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 1024 ** 3)} GB of memory, Linux ${release()}`,
    `Node ${process.version}`,
  ];
}
