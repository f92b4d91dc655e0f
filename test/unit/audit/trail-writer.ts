/**
 * A process that writes a log. Its arguments: `alone` or `shared`, how many lines, and
 * `crash` where it shall end by a mistake.
 *
 * @module
 */

import { Trail } from '../../../src/audit/trail.ts';

const [kind, count, end] = process.argv.slice(2);
const trail = new Trail({ level: 'info', isShared: kind === 'shared' });
const nothing = {
  frontend: undefined,
  upstream: undefined,
  upstreamMs: undefined,
  session: undefined,
  code: undefined,
  detail: undefined,
};
for (let at = 0; at < Number(count); at++) {
  trail.request('info', {
    ...nothing,
    ...{
      requestId: `${process.pid}-${at}`,
      kind: 'I',
      method: 'GET',
      route: '/api',
      status: 200,
      isAborted: false,
      ms: 1,
    },
    ...{ path: `/${'a'.repeat(119)}…`, cause: undefined }, // as a path is cut that is too long
  });
}
if (end === 'crash') throw new Error('a mistake');
trail.flush();
