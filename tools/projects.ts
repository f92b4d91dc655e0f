/**
 * The test projects, and which command runs them.
 *
 * A project is a folder of test/. It stands here once: vitest.config.ts and
 * tools/test.ts read it.
 *
 * @module
 */

/** What `npm test` runs. */
export const quickProjects = ['unit', 'contract', 'architecture', 'flow', 'attack', 'conformance'] as const;

/** What `npm run test:deep` runs. */
export const deepProjects = ['chaos', 'fuzz', 'browser-matrix'] as const;

/** The name of a folder in test/ that holds tests. */
export type ProjectName = (typeof quickProjects)[number] | (typeof deepProjects)[number];

const limits: Readonly<Record<ProjectName, number>> = {
  unit: 15_000,
  contract: 30_000,
  architecture: 60_000,
  flow: 45_000,
  attack: 60_000,
  conformance: 60_000,
  chaos: 120_000,
  fuzz: 240_000,
  'browser-matrix': 120_000,
};

/** How long one test of a project may take, in ms: far beyond what it needs, so that only a hang ends there. */
export function limitOf(name: ProjectName): number {
  return limits[name];
}
