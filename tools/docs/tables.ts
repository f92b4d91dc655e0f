/**
 * The tables of failures, audit events and metrics as Markdown.
 *
 * @module
 */

import { events } from '../../src/audit/events.ts';
import { catalogue, type ErrorCode, type ErrorSource, retryAfterOf } from '../../src/errors.ts';
import { metrics } from '../../src/metrics/catalogue.ts';

/** The text of docs/errors.md: a heading for each code, so that each can be linked to. */
export function errorsAsMarkdown(): string {
  const codes = Object.entries(catalogue) as [ErrorCode, (typeof catalogue)[ErrorCode]][]; // the keys of that very table
  return [
    '# Errors',
    '',
    'A failure is answered as `application/problem+json` (RFC 9457), to a browser that asks for a page as HTML: `type`',
    '(`urn:claimcheck:error:` and the code), `title`, `status`, `code`, `request_id`. Decide by `code`: titles are for people and',
    'may change. The cause is in the log under the same `request_id` and never in the answer. `X-Error-Source` says whose',
    `failure it is: ${(Object.keys(sources) as ErrorSource[]).map((source) => `\`${source}\` ${sources[source]}`).join(', ')}.`, // the keys of that very table
    ...codes.flatMap(([code, { status, source, title, help }]) => [
      '',
      `## ${code}`,
      '',
      `**${status}** from \`${source}\`${retryAfterOf(code) === undefined ? '' : `, \`Retry-After: ${retryAfterOf(code)}\``}: “${title}”`,
      '',
      help,
    ]),
    '',
  ].join('\n');
}

const sources: Readonly<Record<ErrorSource, string>> = {
  claimcheck: 'for an answer of our own',
  upstream: 'for the service behind',
  provider: 'for the authorization server',
  store: 'for Redis',
};

/** The text of docs/audit-events.md. */
export function eventsAsMarkdown(): string {
  return [
    '# Audit events',
    '',
    'One line of JSON each, to standard output, at every `LOG_LEVEL`. Every event has `time`, `event`, `outcome` (`success`,',
    '`denied` or `failure`) and, where a request led to it, `request_id`. `session` is a fingerprint: it joins the events of a',
    'session and opens nothing. `frontend` says which one it is about, where the rules file lists several.',
    '',
    '| event | question it answers | fields | keep |',
    '|---|---|---|---|',
    ...Object.entries(events).map(
      ([name, { answers, fields, retentionMonths }]) =>
        `| \`${name}\` | ${answers} | ${names(fields)} | ${retentionMonths} months |`,
    ),
    '',
  ].join('\n');
}

/** The text of docs/metrics.md. */
export function metricsAsMarkdown(): string {
  return [
    '# Metrics',
    '',
    '`GET /metrics` on the operations port gives these in the text format of Prometheus, and beside them what `prom-client`',
    'measures of the process (`process_…`, `nodejs_…`). Labels hold words of closed sets and names from the configuration,',
    'never anything a request brought. `frontend` is there only where the rules file lists frontends.',
    '',
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...Object.entries(metrics).map(
      ([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${names(labels)} | ${help} |`,
    ),
    '',
  ].join('\n');
}

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.map((name) => `\`${name}\``).join(', ');
}
