/**
 * `claimcheck config`: every setting with what is in effect and where it came
 * from. Secrets are never printed, and neither is what is not valid: it may be a
 * secret in the wrong place.
 *
 * @module
 */

import { examine } from '../config/load.ts';
import type { SettingState } from '../config/setting-state.ts';
import type { Command } from './command.ts';
import { columnsOf } from './table.ts';

/** Prints the settings; 1 when the configuration has faults, which go to standard error. */
export const printConfig: Command = {
  summary: 'prints every setting that is in effect and where it came from, without secrets',
  run: ({ env, files, write, complain }) => {
    const { settings, frontends, error } = examine(env, files);
    for (const line of columnsOf(settings.map(rowOf))) write(line);
    for (const { id, settings: own } of frontends) {
      write(`\nfrontend ${id}`);
      for (const line of columnsOf(own.map(rowOf))) write(line);
    }
    if (error === undefined) return 0;
    complain(`\n${error.report()}`);
    return 1;
  },
};

function rowOf(state: SettingState): readonly string[] {
  return [state.name, shown(state), state.source === 'none' ? '' : state.source];
}

function shown({ text, source, isValid }: SettingState): string {
  if (source === 'none') return isValid ? '-' : '[missing]';
  if (!isValid) return '[not valid]';
  return text === undefined ? '[secret]' : text || '-';
}
