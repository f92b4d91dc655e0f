/**
 * Plays every row of the table of verdicts through the whole server, as a browser
 * at a provider would.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, type Group, testNameOf } from './module.ts';
import { groups } from './modules.ts';
import { scenes } from './scenes.ts';
import { refuseProvider, type Stage, startStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});

afterAll(() => stage.at.close());

async function play(row: Case): Promise<void> {
  if ('refused' in row) await stage.refuse(row);
  else if ('accepted' in row) await stage.accept(row.accepted);
  else if ('refusedLogout' in row) await stage.refuseLogout(row);
  else if ('refusedProvider' in row) await refuseProvider(row.refusedProvider);
  else if ('scene' in row) await scenes[row.scene](stage);
  else throw new Error(`${row.module} is not to be played`);
}

const playedIn = (group: Group) =>
  group.cases
    .filter((row) => !('shownBy' in row || 'notYet' in row || 'notOurs' in row))
    .map((row) => [testNameOf(group, row) ?? '', row] as const);

describe.each(groups.map((group) => [group.title, group] as const))('%s', (_title, group) => {
  it.each(playedIn(group))('%s', async (_name, row) => play(row));
});

describe('the table', () => {
  it('has every name once, and points only at tests that exist', () => {
    const rows = groups.flatMap((group) => group.cases.map((row) => testNameOf(group, row)));
    const names = rows.filter((name) => name !== undefined);
    expect(new Set(names).size).toBe(names.length);
    for (const row of groups.flatMap(({ cases }) => cases)) {
      if (!('shownBy' in row)) continue;
      expect(readFileSync(join(import.meta.dirname, '../..', row.shownBy), 'utf8')).toContain(row.test);
    }
  });
});
