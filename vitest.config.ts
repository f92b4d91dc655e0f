/**
 * How the tests run: one vitest project for each folder of test/.
 *
 * `npm test` runs the quick ones, `npm run test:deep` the deep ones; which is
 * which is decided in tools/projects.ts. Two workers: the tests start Redis,
 * browsers and servers of their own, and the smallest machine has two cores.
 *
 * @module
 */

import { defineConfig } from 'vitest/config';
import { deepProjects, limitOf, quickProjects } from './tools/projects.ts';

/** Read by vitest and by tools/test.ts. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    pool: 'forks',
    allowOnly: false,
    passWithNoTests: false,
    teardownTimeout: 20_000,
    slowTestThreshold: 5_000,
    projects: [...quickProjects, ...deepProjects].map((name) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        environment: 'node' as const,
        isolate: true,
        setupFiles: ['test/support/end-children.ts'],
        testTimeout: limitOf(name),
        hookTimeout: 60_000,
        restoreMocks: true,
        unstubEnvs: true,
        unstubGlobals: true,
        expect: { requireAssertions: true },
      },
    })),
  },
});
