/**
 * Answers upgrades to WebSocket. The guards have let the origin through; here it
 * is decided whether anybody is there to talk to.
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import type { Answer } from '../guards/step.ts';
import type { PageUpstream } from './page-upstream.ts';

/** Makes the stage. `page` is the server of the page, where it has one: its hot reload is the only WebSocket offered. */
export function upgradeStage(page: PageUpstream | undefined): Answer {
  return (request) => {
    const { upgrade, response, method, path, headers } = request;
    const isApi = path === '/api' || path.startsWith('/api/');
    if (
      page === undefined ||
      upgrade === undefined ||
      method !== 'GET' ||
      isApi ||
      headers.upgrade?.toLowerCase() !== 'websocket'
    ) {
      throw new ProblemError('upgrade-refused');
    }
    response.detachSocket(upgrade.socket);
    upgrade.socket.once('close', () => response.emit('close'));
    page.upgrade(request, upgrade.socket, upgrade.head);
  };
}
