/**
 * The report of a run as a page of Markdown. Pure.
 *
 * @module
 */

import { type Measured, timesOf } from '../measure.ts';

/** The figures of one scenario. */
export interface Section {
  readonly title: string;
  readonly measured: readonly Measured[];
}

/** All that is reported of a run. */
export interface Report {
  readonly machine: readonly string[];
  readonly sections: readonly Section[];
  /** The lines of the budget, each decided. */
  readonly verdicts: readonly string[];
  /** Sentences with figures that stand for themselves. */
  readonly facts: readonly string[];
  /** Peers and scenarios that were left out, with the reason. */
  readonly skipped: readonly string[];
}

/** Markdown: the machine, a table for each scenario, the budget, what else was measured, what was left out. */
export function pageOf({ machine, sections, verdicts, facts, skipped }: Report): string {
  return [
    '# Measured side by side',
    '',
    'CPU is that of the process tree for each request, the median of rounds in which the peers took turns.',
    'Times hold for this machine only. The ratios are what the budget is about: the median of the rounds, each beside its own.',
    '',
    ...machine.map((line) => `- ${line}`),
    '',
    ...sections.flatMap((section) => [`## ${section.title}`, '', ...rowsOf(section.measured), '']),
    ...listOf('Budget', verdicts),
    ...listOf('Besides', facts),
    ...listOf('Left out', skipped),
  ].join('\n');
}

/** The rows of a table, head first. */
export function rowsOf(measured: readonly Measured[]): readonly string[] {
  const ours = measured.find(({ name }) => name === 'claimcheck')?.cpuRounds;
  return [
    '| peer | CPU µs (lowest to highest round) | of ours | requests/s | p50 ms | p99 ms | RSS MB |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...measured.map(({ name, cpuUs, cpuRounds, requestsPerSecond, p50, p99, rssBytes }) => {
      const [low, high] = [Math.min(...cpuRounds), Math.max(...cpuRounds)].map((value) => value.toFixed(0));
      const share = ours === undefined ? '' : `${timesOf(cpuRounds, ours).toFixed(2)} ×`;
      const cells = [name, `${cpuUs.toFixed(1)} (${low} to ${high})`, share, requestsPerSecond.toFixed(0)];
      return `| ${[...cells, p50.toFixed(2), p99.toFixed(2), (rssBytes / 1024 ** 2).toFixed(0)].join(' | ')} |`;
    }),
  ];
}

function listOf(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines.map((line) => `- ${line}`), ''];
}
