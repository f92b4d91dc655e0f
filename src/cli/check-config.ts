/**
 * `claimcheck check`: reads the configuration as the server would, with all files
 * it names, and starts nothing. It asks neither Redis nor the authorization server.
 *
 * @module
 */

import type { FrontendConfig } from '../config/config.ts';
import { type Examined, examine } from '../config/load.ts';
import { lineOfPlace } from '../config/rules-lines.ts';
import type { Command, Surface } from './command.ts';
import { type Finding, findingsIn } from './lint.ts';

/** Says `ok` and what is worth a warning, or lists every fault and gives 1; with `--strict` a warning about a route gives 1 too. */
export const checkConfig: Command = {
  summary: 'tells every fault of the configuration and what is odd in its routes, or ok; --strict: 1 with warnings too',
  takesStrict: true,
  run: ({ env, files, write, complain }, { strict }) => {
    const examined = examine(env, files);
    const { config, error } = examined;
    if (config === undefined) {
      complain(error?.report() ?? 'The configuration cannot be used.');
      return 1;
    }
    const text = rulesText(examined, files);
    const found = config.frontends.map((own) => ({ findings: findingsIn(own), place: placesIn(own, text) }));
    const lines = found.flatMap(({ findings, place }) =>
      findings.map((finding) => `${finding.level}: ${place(finding)}: ${finding.sentence}`),
    );
    for (const warning of config.warnings) write(`warning: ${warning}`);
    for (const line of new Set(lines)) write(line); // routes that several have are told of once
    const all = found.flatMap(({ findings }) => findings);
    if (all.some(({ level }) => strict || level === 'error')) return 1;
    write('ok');
    return 0;
  },
};

// It was read a moment ago; where it is gone since, the lines are left out.
function rulesText({ settings }: Examined, files: Surface['files']): string | undefined {
  const path = settings.find(({ name }) => name === 'RULES_FILE')?.text;
  try {
    return path === undefined ? undefined : files.readFile(path);
  } catch {
    return undefined;
  }
}

function placesIn({ routes, routesAt }: FrontendConfig, text: string | undefined): (finding: Finding) => string {
  return ({ at }) => {
    if (text === undefined) return 'API_UPSTREAM';
    if (at === undefined) return 'RULES_FILE';
    const line = lineOfPlace(text, `${routesAt}[${at}]`);
    return `RULES_FILE${line === undefined ? '' : ` line ${line}`}: ${routes[at]?.path}`;
  };
}
