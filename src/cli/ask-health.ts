/**
 * `claimcheck health`: asks the operations port of this machine whether the server
 * is alive. It is what the HEALTHCHECK of the image runs, which has no other
 * program to ask with.
 *
 * @module
 */

import { get, type IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { settings } from '../config/schema.ts';
import type { Command, Surface } from './command.ts';
import { reachableHost } from './reachable-host.ts';

/** How long the answer may take, ms. */
const limitMs = 2000;

/** 0 when `/healthz` says 200 within two seconds. Needs no setting but `OPS_HOST` and `OPS_PORT`. */
export const askHealth: Command = {
  summary: 'asks the operations port whether the server is alive',
  run: async ({ env, clock, write, complain }) => {
    const url = healthUrl(env);
    if (url === undefined) {
      complain('OPS_HOST and OPS_PORT do not say where the operations port is.');
      return 1;
    }
    const answer = await statusOf(url, clock);
    if (answer === 200) {
      write('ok');
      return 0;
    }
    complain(`${url}: ${typeof answer === 'number' ? `status ${answer}` : answer}`);
    return 1;
  },
};

function healthUrl(env: Surface['env']): string | undefined {
  const host = settings.OPS_HOST.type.safeParse(env['OPS_HOST'] || settings.OPS_HOST.default);
  const port = settings.OPS_PORT.type.safeParse(env['OPS_PORT'] || settings.OPS_PORT.default);
  if (!host.success || !port.success || port.data === 0) return undefined;
  return `http://${reachableHost(host.data)}:${port.data}/healthz`;
}

function statusOf(url: string, clock: Clock): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response: IncomingMessage) => {
      response.resume();
      settle(response.statusCode ?? 0);
    });
    const cancel = clock.after(limitMs, () => settle(`no answer within ${limitMs} ms`));
    const settle = (answer: number | string) => {
      cancel();
      resolve(answer);
      request.destroy();
    };
    request.on('error', (error) => settle('code' in error ? String(error.code) : 'no connection'));
  });
}
