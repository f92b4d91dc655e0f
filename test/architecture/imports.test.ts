/**
 * Who may import whom, and what has one door.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageDoors } from './doors.ts';
import { judge } from './exceptions.ts';
import {
  demoViolations,
  fileViolations,
  importsOf,
  orderViolations,
  packageViolations,
  placeViolations,
  stateViolations,
  useViolations,
} from './import-rules.ts';
import { allSources, productSources, projectRoot, type SourceFile, type Violation } from './source-files.ts';

const manifest: { dependencies: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(projectRoot, 'package.json'), 'utf8'),
);
const production = Object.keys(manifest.dependencies);

const sample = (path: string, text: string): readonly SourceFile[] => [{ path, text }];
const subjectsOf = (violations: readonly Violation[]): readonly string[] => violations.map(({ subject }) => subject);

describe('imports', () => {
  it('come only from where they may', () => {
    expect(judge('import order', orderViolations(productSources))).toEqual([]);
  });

  it('of packages go through their doors', () => {
    expect(judge('package doors', packageViolations(productSources, production))).toEqual([]);
  });

  it('of every package have a door', () => {
    expect(production.filter((name) => !packageDoors.some(({ what }) => what === name))).toEqual([]);
  });

  it('name files with their ending, and nobody passes on the exports of others', () => {
    expect(judge('files of imports', fileViolations(allSources))).toEqual([]);
  });

  it('of the demo are what the package exports, and main', () => {
    expect(judge('demo imports', demoViolations(allSources))).toEqual([]);
  });
});

describe('time, randomness, environment and console', () => {
  it('are used only where they are owned', () => {
    expect(judge('uses', useViolations(productSources))).toEqual([]);
  });

  it('and modules have no state', () => {
    expect(judge('module state', stateViolations(productSources))).toEqual([]);
  });
});

describe('files of src', () => {
  it('have a place in the line or on an island', () => {
    expect(judge('places', placeViolations(productSources))).toEqual([]);
  });
});

describe('these rules', () => {
  it('see every form of an import', () => {
    const [file] = sample(
      'src/a.ts',
      `import x from './a.ts';\nimport type { Y } from "./b.ts";\nexport { z } from './c.ts';\nexport * from './d.ts';\nconst e = import('./e.ts');\ntype F = import('./f.ts').F;\n// import './no.ts'\nconst text = "import x from './no.ts'";`,
    );
    expect(file && importsOf(file).map(({ specifier, form }) => `${form} ${specifier}`)).toEqual([
      ...['import ./a.ts', 'import ./b.ts', 'export ./c.ts', 'export ./d.ts', 'dynamic ./e.ts', 'type ./f.ts'],
    ]);
  });

  it.each([
    ['an import to the right', 'src/guards/a.ts', `import type { S } from '../session/session.ts';`],
    ['an import of the demo', 'src/app.ts', `import { x } from '../demo/run.ts';`],
    ['an island that looks over the water', 'src/client/a.ts', `import { x } from '../base/clock.ts';`],
    ['a dynamic import', 'src/app.ts', `await import(name);`],
  ])('refuse %s', (_case, path, text) => {
    expect(orderViolations(sample(path, text))).toHaveLength(1);
  });

  it('let an import to the left pass', () => {
    expect(
      orderViolations(sample('src/session/a.ts', `import { x } from '../base/clock.ts'; import './b.ts';`)),
    ).toEqual([]);
  });

  it('refuse a package outside its door, one of development, and one without a door', () => {
    const text = `import express from 'express'; import vitest from 'vitest'; import sub from 'ms/sub';`;
    expect(subjectsOf(packageViolations(sample('src/guards/a.ts', text), ['express', 'ms']))).toEqual([
      ...['src/guards/a.ts -> express', 'src/guards/a.ts -> vitest', 'src/guards/a.ts -> ms'],
    ]);
    expect(packageViolations(sample('src/stages/a.ts', `import express from 'express';`), ['express'])).toEqual([]);
  });

  it.each([
    'Date.now()',
    'new Date()',
    'globalThis.Date.now()',
    'setTimeout(f, 1)',
    'const t = setTimeout',
    'Math.random()',
    'randomBytes(8)',
    'crypto.randomUUID()',
    'process.env.A',
    'console.log(1)',
    `import 'node:timers/promises'`,
  ])('refuse %s where it is not owned', (text) => {
    expect(useViolations(sample('src/http/a.ts', text))).toHaveLength(1);
  });

  it('know a use from a name that only looks like one', () => {
    const text = `const a = { setTimeout: 1 }; b.setTimeout(1); new Date(0); clock.now(); // Date.now()\nconst t = 'process.env';`;
    expect(useViolations(sample('src/http/a.ts', text))).toEqual([]);
    expect(useViolations(sample('src/base/clock.ts', 'Date.now(); setTimeout(f, 1); new Date();'))).toEqual([]);
  });

  it('refuse index.ts, passed-on exports and a missing ending', () => {
    expect(fileViolations(sample('src/http/index.ts', `export { a } from './a';`))).toHaveLength(3);
    expect(fileViolations(sample('src/client/index.ts', `export { a } from './a.ts';`))).toEqual([]);
  });

  it('refuse a demo that knows the insides', () => {
    expect(
      demoViolations(
        sample('demo/a.ts', `import '../src/session/store.ts'; import '../src/main.ts'; import './b.ts';`),
      ),
    ).toHaveLength(1);
  });

  it('refuse state and places that are not in the line', () => {
    const text = `let a = 1; export const b = new Map<string, number>(); const c = new Map([[1, 2]]); const d = new WeakMap(); const e: ReadonlySet<string> = new Set();`;
    expect(subjectsOf(stateViolations(sample('src/a.ts', text)))).toEqual(['src/a.ts#a', 'src/a.ts#b']);
    expect(placeViolations(sample('src/utils/a.ts', ''))).toHaveLength(1);
  });

  it('let an exception pass while it is needed, and not longer', () => {
    const found = orderViolations(sample('src/guards/a.ts', `import '../session/b.ts';`));
    const exception = {
      rule: 'r',
      subject: 'src/guards/a.ts -> src/session/b.ts',
      reason: 'a test of exceptions',
      since: '2026-11-24',
    };
    expect(judge('r', found, { allowed: [exception] })).toEqual([]);
    expect(judge('r', [], { allowed: [exception] })).toEqual([expect.stringContaining('no longer needed')]);
    expect(judge('r', found, { allowed: [] })).toHaveLength(1);
  });
});
