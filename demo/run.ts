/**
 * `npm run demo`: starts everything, says where to look, stops at Ctrl-C.
 *
 * @module
 */

import { DemoFault } from './settings.ts';
import { startDemo } from './start-demo.ts';

try {
  const demo = await startDemo(process.env);
  // First the listener: whoever reads the greeting may press Ctrl-C at once.
  stopAtSignal(demo);
  console.log(demo.greeting);
} catch (error) {
  console.error(error instanceof DemoFault ? error.message : error);
  process.exit(1);
}

function stopAtSignal({ close }: { close(): Promise<void> }): void {
  const stop = () => {
    // A second signal finds no listener of ours and ends the process at once.
    process.off('SIGINT', stop).off('SIGTERM', stop);
    void close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}
