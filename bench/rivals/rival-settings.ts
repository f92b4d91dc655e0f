/**
 * What every rival of ours in Node is told, by its environment.
 *
 * @module
 */

import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';

/** Where it serves, who it is at the provider, and what lies behind it. */
export interface RivalSettings {
  readonly port: number;
  readonly origin: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly resource: string;
  readonly upstream: string;
  readonly redisUrl: string;
}

/** Reads them. Throws for one that is missing. */
export function settings(): RivalSettings {
  return {
    port: Number(variable('PORT')),
    origin: variable('ORIGIN'),
    issuer: variable('ISSUER'),
    clientId: variable('CLIENT_ID'),
    clientSecret: variable('CLIENT_SECRET'),
    resource: variable('RESOURCE'),
    upstream: variable('UPSTREAM'),
    redisUrl: variable('REDIS_URL'),
  };
}

/** Serves on 127.0.0.1 until the process is told to end. */
export function listen(listener: RequestListener, port: number): void {
  createServer(listener).listen(port, '127.0.0.1');
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
