/**
 * `claimcheck routes`: which public path leads where, and for whom, with all
 * defaults filled in.
 *
 * @module
 */

import type { FrontendConfig, RouteConfig } from '../config/config.ts';
import { examine } from '../config/load.ts';
import type { Command } from './command.ts';
import { columnsOf } from './table.ts';

const head = ['PATH', 'METHODS', 'ACCESS', 'TOKEN', 'SCOPES', 'UPSTREAM'];

/** Prints a table, of each frontend the longest path first as they are matched; with faults it lists them and gives 1. */
export const listRoutes: Command = {
  summary: 'lists the routes: path, methods, access, token, scopes, upstream',
  run: ({ env, files, write, complain }) => {
    const { config, error } = examine(env, files);
    if (config === undefined) {
      complain(error?.report() ?? 'The configuration cannot be used.');
      return 1;
    }
    const rows = config.frontends.flatMap((own) => rowsOf(own).map((row) => [own.id, ...row]));
    const table = [['FRONTEND', ...head], ...rows].map((row) => (config.listsFrontends ? row : row.slice(1)));
    for (const line of columnsOf(table)) write(line);
    return 0;
  },
};

function rowsOf({ routes }: FrontendConfig): readonly (readonly string[])[] {
  return [...routes].sort((left, right) => right.path.length - left.path.length).map(rowOf);
}

function rowOf({ path, methods, access, token, scopes, upstream }: RouteConfig): readonly string[] {
  return [path, methods.join(','), access, token, scopes.join(' ') || '-', upstream.origin + upstream.path];
}
