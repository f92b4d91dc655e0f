/**
 * What is installed was chosen, and is what was chosen.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOlder, type Lock, lockViolations, productionReasons, productionViolations } from './dependency-rules.ts';
import { judge } from './exceptions.ts';
import { projectRoot } from './source-files.ts';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const read = <T>(name: string): T => JSON.parse(readFileSync(join(projectRoot, name), 'utf8')) as T; // files of npm, whose form npm keeps
const manifest = read<Manifest>('package.json');
const { packages: lock } = read<{ packages: Lock }>('package-lock.json');

describe('dependencies', () => {
  it('of production each have a reason', () => {
    expect(judge('production', productionViolations(Object.keys(manifest.dependencies)))).toEqual([]);
    expect(Object.values(productionReasons).every((reason) => reason.length > 20)).toBe(true);
  });

  it('are locked with integrity, from no particular place, without scripts, holes or strange licences', () => {
    expect(judge('lock', lockViolations(lock))).toEqual([]);
  });

  it('of production are pinned to one version, tooling aside', () => {
    const loose = Object.entries(manifest.dependencies).filter(
      ([name, range]) => name !== 'yaml' && !/^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+$/.test(range),
    );
    expect(loose).toEqual([]);
  });

  it('run no script of ours when the project is installed', () => {
    const scripts = Object.keys(manifest.scripts ?? {});
    expect(scripts.filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });
});

describe('these rules', () => {
  const good = { version: '2.0.0', integrity: 'sha512-x', license: 'MIT' };
  const faultsOf = (path: string, entry: object): readonly string[] =>
    lockViolations({ [path]: { ...good, ...entry } }).map(({ text }) => text);

  it('let a good package pass', () => {
    expect(faultsOf('node_modules/a', {})).toEqual([]);
    expect(faultsOf('node_modules/csurf', { name: '@dr.pogodin/csurf' })).toEqual([]);
    expect(faultsOf('node_modules/b', { dev: true, license: 'MPL-2.0' })).toEqual([]);
  });

  it.each([
    ['no integrity', 'node_modules/a', { integrity: undefined }],
    ['a weak integrity', 'node_modules/a', { integrity: 'sha1-x' }],
    ['an address', 'node_modules/a', { resolved: 'https://mirror.test/a.tgz' }],
    ['an install script', 'node_modules/a', { hasInstallScript: true }],
    ['no licence', 'node_modules/a', { license: undefined }],
    ['a licence that binds what we ship', 'node_modules/a', { license: 'GPL-3.0' }],
    ['a licence for development only', 'node_modules/a', { license: 'MPL-2.0' }],
    ['the archived csurf', 'node_modules/csurf', { version: '1.11.0' }],
    ['a known hole, also deep in the tree', 'node_modules/x/node_modules/cookie', { version: '0.6.9' }],
    ['a known hole behind an alias', 'node_modules/y', { name: 'undici', version: '8.8.9' }],
    ['an optional dependency that a mirror lacked', 'node_modules/a', { optionalDependencies: { gone: '1' } }],
  ])('refuse %s', (_case, path, entry) => {
    expect(faultsOf(path, entry)).toHaveLength(1);
  });

  it('compare versions by number', () => {
    expect(isOlder('6.9.9', '6.16.0')).toBe(true);
    expect(isOlder('6.16.0', '6.16.0')).toBe(false);
    expect(isOlder('10.0.0', '6.16.0')).toBe(false);
    expect(isOlder('6.16.0-rc.1', '6.16.0')).toBe(true);
  });

  it('refuse a package without a reason, and a reason without a package', () => {
    const known = Object.keys(productionReasons);
    expect(productionViolations([...known, 'left-pad'])).toHaveLength(1);
    expect(productionViolations(known.slice(1))).toHaveLength(1);
  });
});
