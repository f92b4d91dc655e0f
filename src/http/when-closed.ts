/**
 * Has things done when a response is closed: its answer has left, or its client has.
 *
 * Most parts that see a call want to know, and a listener each is dear: Node copies
 * the list of them for every event.
 *
 * @module
 */

import type { ServerResponse } from 'node:http';

const tasks = Symbol('when closed');

interface Watched extends ServerResponse {
  [tasks]?: (() => void)[];
}

/**
 * Does `task` when the response is closed, once, after those that were named before.
 * For an upgrade Node tells it twice. On one that is closed already it is not done.
 */
export function whenClosed(response: ServerResponse, task: () => void): void {
  const watched: Watched = response;
  const others = watched[tasks];
  if (others !== undefined) {
    others.push(task);
    return;
  }
  watched[tasks] = [task];
  response.on('close', doAll);
}

function doAll(this: Watched): void {
  const all = this[tasks] ?? [];
  this[tasks] = [];
  for (const task of all) task();
}
