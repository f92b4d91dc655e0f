/**
 * Claimcheck as a child that tells how much memory it holds: started with an
 * environment as in production, and with `--expose-gc`.
 *
 * @module
 */

import { start } from '../src/main.ts';

const running = await start(process.env);

process.on('message', () => {
  // Twice: what the first finds unreachable may be what held a buffer.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ used: heapUsed + external, resident: rss });
});
process.once('disconnect', () => void running.close());
process.send?.('serves');
