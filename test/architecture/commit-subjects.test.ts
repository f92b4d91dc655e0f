/**
 * Subjects of commits: `area: verb in the imperative, lower case, no stop`.
 *
 * Outside a checkout there are none to look at.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { projectRoot } from './source-files.ts';

const form = /^[a-z0-9][a-z0-9./-]*: [a-z0-9`][^\n]*[^.\s]$/;
const subjects = subjectsOfGit();

function subjectsOfGit(): readonly string[] | undefined {
  try {
    const output = execFileSync('git', ['log', '--no-merges', '--format=%s'], {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\n').filter((line) => line !== '');
  } catch {
    // No git, no checkout, or no commit yet.
    return undefined;
  }
}

/** Past tense and other forms that are not the imperative, as far as their ending shows it. */
function isImperative(subject: string): boolean {
  const [verb = ''] = subject.replace(/^[^:]*: /, '').split(' ');
  return (
    !/(ed|ing)$/.test(verb) ||
    ['embed', 'feed', 'need', 'seed', 'speed', 'shed', 'bring', 'ring', 'string', 'ping'].includes(verb)
  );
}

describe('commit subjects', () => {
  it.skipIf(!subjects)('name their area, begin with a verb in the imperative, and end without a stop', () => {
    const wrong = (subjects ?? []).filter(
      (subject) => !form.test(subject) || !isImperative(subject) || subject.length > 100,
    );
    expect(wrong).toEqual([]);
  });
});

describe('this rule', () => {
  it.each([
    'session: keep a sign-out when a refresh ends later',
    'test/support: read several answers',
    'docs: say what a restart costs',
  ])('lets "%s" pass', (subject) => {
    expect(form.test(subject) && isImperative(subject)).toBe(true);
  });

  it.each([
    'Keep a sign-out',
    'session: Keep a sign-out',
    'session: keep a sign-out.',
    'session: added a test',
    'session: adding a test',
    'session keep',
  ])('refuses "%s"', (subject) => {
    expect(form.test(subject) && isImperative(subject)).toBe(false);
  });
});
