/**
 * Answers upgrades to WebSocket. The guards have let the origin through; here it
 * is decided whether anybody is there to talk to: an API whose route offers it, or
 * the server of the page.
 *
 * @module
 */

import { type ApiUpgradeParts, answerApiUpgrade } from '../api.ts';
import { codeOf, ProblemError } from '../errors.ts';
import type { Answer } from '../guards/step.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import type { SocketReports } from '../proxy/socket-reports.ts';
import type { PageUpstream } from './page-upstream.ts';

/** What the stage works with. */
export interface UpgradeOptions {
  /** The server of the page, where it has one: its hot reload. */
  readonly page: PageUpstream | undefined;
  readonly api: ApiUpgradeParts;
  readonly reports: Pick<SocketReports, 'asked'>;
}

/** Makes the stage. */
export function upgradeStage({ page, api, reports }: UpgradeOptions): Answer {
  return (request) => {
    const { path } = request;
    if (path !== '/api' && !path.startsWith('/api/')) return toPage(request, page);
    return answerApiUpgrade(request, api).catch((error: unknown) => {
      reports.asked(request.record.route, codeOf(error));
      throw error;
    });
  };
}

function toPage(request: ClearedRequest, page: PageUpstream | undefined): undefined {
  const { upgrade, response, method } = request;
  if (page === undefined || upgrade === undefined || method !== 'GET') throw new ProblemError('upgrade-refused');
  response.detachSocket(upgrade.socket);
  upgrade.socket.once('close', () => response.emit('close'));
  page.upgrade(request, upgrade.socket, upgrade.head);
}
