/**
 * `claimcheck routes`: which public path leads where, and for whom, with all
 * defaults filled in.
 *
 * @module
 */

import type { RouteConfig } from '../config/config.ts';
import { examine } from '../config/load.ts';
import type { Command } from './command.ts';
import { columnsOf } from './table.ts';

const head = ['PATH', 'METHODS', 'ACCESS', 'TOKEN', 'SCOPES', 'UPSTREAM'];

/** Prints a table, the longest path first as they are matched; with faults it lists them and gives 1. */
export const listRoutes: Command = {
  summary: 'lists the routes: path, methods, access, token, scopes, upstream',
  run: ({ env, files, write, complain }) => {
    const { config, error } = examine(env, files);
    if (config === undefined) {
      complain(error?.report() ?? 'The configuration cannot be used.');
      return 1;
    }
    const routes = [...config.routes].sort((left, right) => right.path.length - left.path.length);
    for (const line of columnsOf([head, ...routes.map(rowOf)])) write(line);
    return 0;
  },
};

function rowOf({ path, methods, access, token, scopes, upstream }: RouteConfig): readonly string[] {
  return [path, methods.join(','), access, token, scopes.join(' ') || '-', upstream.origin + upstream.path];
}
