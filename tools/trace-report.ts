/**
 * Sets the requirements against the tests. Pure.
 *
 * @module
 */

import type { TracedFile } from './trace-tests.ts';

/** A requirement as docs/requirements.json has it; further fields are not looked at. */
export interface Requirement {
  readonly id: string;
  /** The sentence, under either name. */
  readonly requirement?: string;
  readonly title?: string;
  /** `M…` must, `S…` should, `O…` may. */
  readonly level: string;
}

/** What is shown by which test, and what is not. */
export interface Trace {
  /** By group (`CB`), in order: how many rows there are, how many are shown. */
  readonly groups: readonly {
    readonly group: string;
    readonly rows: number;
    readonly shown: number;
    readonly musts: number;
    readonly mustsShown: number;
  }[];
  /** Id to the tests that show it, each `file: title`. */
  readonly shown: ReadonlyMap<string, readonly string[]>;
  /** Rows that must be and are shown by no test. */
  readonly uncoveredMusts: readonly Requirement[];
  /** Ids of rows that do not exist, with the test that names them. */
  readonly unknown: readonly { readonly id: string; readonly test: string }[];
  /** Tests that name an id and show nothing, with the reason. */
  readonly notCounted: readonly { readonly id: string; readonly test: string; readonly reason: string }[];
}

/** Sets requirements against tests. */
export function traceOf(requirements: readonly Requirement[], files: readonly TracedFile[]): Trace {
  const known = new Set(requirements.map(({ id }) => id));
  const claims = files.flatMap((file) =>
    file.tests.flatMap((test) =>
      test.ids.map((id) => ({ id, test: `${file.path}: ${test.title}`, reason: doubtOf(file, test) })),
    ),
  );
  const shown = new Map<string, string[]>();
  for (const { id, test, reason } of claims) {
    if (reason === undefined && known.has(id)) shown.set(id, [...(shown.get(id) ?? []), test]);
  }
  return {
    groups: groupsOf(requirements, shown),
    shown,
    uncoveredMusts: requirements.filter(({ id, level }) => level.startsWith('M') && !shown.has(id)),
    unknown: claims.filter(({ id }) => !known.has(id)).map(({ id, test }) => ({ id, test })),
    notCounted: claims.flatMap(({ id, test, reason }) =>
      reason !== undefined && known.has(id) ? [{ id, test, reason }] : [],
    ),
  };
}

function doubtOf(file: TracedFile, test: { readonly looksAtWire: boolean }): string | undefined {
  if (!test.looksAtWire) return 'expects nothing of a status or of bytes on the wire';
  return file.hasPositiveControl ? undefined : 'its file expects no success anywhere';
}

function groupsOf(requirements: readonly Requirement[], shown: ReadonlyMap<string, unknown>): Trace['groups'] {
  const groups = [...new Set(requirements.map(({ id }) => id.slice(0, 2)))].sort();
  return groups.map((group) => {
    const rows = requirements.filter(({ id }) => id.startsWith(group));
    const musts = rows.filter(({ level }) => level.startsWith('M'));
    const count = (list: readonly Requirement[]): number => list.filter(({ id }) => shown.has(id)).length;
    return { group, rows: rows.length, shown: count(rows), musts: musts.length, mustsShown: count(musts) };
  });
}

/** The report for people. `withTests` adds which test shows each row. */
export function printTrace(trace: Trace, { withTests }: { withTests: boolean }): string {
  const sum = (pick: (group: Trace['groups'][number]) => number): number =>
    trace.groups.reduce((total, group) => total + pick(group), 0);
  const line = (name: string, counts: readonly number[]): string =>
    [name.padEnd(6), ...counts.map((count) => String(count).padStart(7))].join('');
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ['', `${title} (${lines.length})`, ...lines.map((text) => `  ${text}`)];
  return [
    `group${['shown', 'of', 'musts', 'of'].map((word) => word.padStart(7)).join('')}`.replace('group', 'group '),
    ...trace.groups.map(({ group, rows, shown, musts, mustsShown }) => line(group, [shown, rows, mustsShown, musts])),
    line('all', [
      sum(({ shown }) => shown),
      sum(({ rows }) => rows),
      sum(({ mustsShown }) => mustsShown),
      sum(({ musts }) => musts),
    ]),
    ...(withTests
      ? section(
          'shown',
          [...trace.shown].sort().flatMap(([id, tests]) => tests.map((test) => `${id}  ${test}`)),
        )
      : []),
    ...section(
      'must be shown and are not',
      trace.uncoveredMusts.map(({ id, level, requirement, title }) => `${id}  ${level}  ${requirement ?? title ?? ''}`),
    ),
    ...section(
      'named, but not counted',
      trace.notCounted.map(({ id, test, reason }) => `${id}  ${test}: ${reason}`),
    ),
    ...section(
      'ids that do not exist',
      trace.unknown.map(({ id, test }) => `${id}  ${test}`),
    ),
    '',
  ].join('\n');
}
