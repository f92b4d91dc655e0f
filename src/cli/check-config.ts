/**
 * `claimcheck check`: reads the configuration as the server would, with all files
 * it names, and starts nothing. It asks neither Redis nor the authorization server.
 *
 * @module
 */

import { examine } from '../config/load.ts';
import type { Command } from './command.ts';

/** Says `ok` and what is worth a warning, or lists every fault and gives 1. */
export const checkConfig: Command = {
  summary: 'tells every fault of the configuration, or ok',
  run: ({ env, files, write, complain }) => {
    const { config, error } = examine(env, files);
    if (config === undefined) {
      complain(error?.report() ?? 'The configuration cannot be used.');
      return 1;
    }
    for (const warning of config.warnings) write(`warning: ${warning}`);
    write('ok');
    return 0;
  },
};
