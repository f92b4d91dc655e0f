/**
 * `claimcheck doctor`: looks at everything a sign-in depends on, by asking the
 * real parts, and says one line for each: what is so, and what to do.
 *
 * It changes nothing and needs no running server; with one it also looks at the
 * way through the proxies to it.
 *
 * @module
 */

import { examine } from '../config/load.ts';
import type { Command, Surface } from './command.ts';
import { checkClient } from './doctor/check-client.ts';
import { checkEdge } from './doctor/check-edge.ts';
import { type Around, checkMetadata } from './doctor/check-metadata.ts';
import { checkRotation } from './doctor/check-rotation.ts';
import { checkNode, checkSettings } from './doctor/check-settings.ts';
import { checkStore } from './doctor/check-store.ts';
import { type Finding, lineOf } from './doctor/finding.ts';

/** Prints the findings. 1 when one of them must be mended. */
export const doctor: Command = {
  summary: 'looks at provider, Redis and proxies, and says what to mend',
  run: async (surface) => {
    const { write } = surface;
    const findings: Finding[] = [];
    const secrets = secretsIn(surface);
    for await (const finding of examination(surface)) {
      if (typeof finding !== 'string') findings.push(finding);
      write(typeof finding === 'string' ? finding : withoutSecrets(lineOf(finding), secrets));
    }
    const count = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length;
    write('');
    write(`${count('ok')} ok, ${count('warn')} to know, ${count('fail')} to mend, ${count('skip')} not looked at`);
    return count('fail') === 0 ? 0 : 1;
  },
};

// No finding is made from a secret, but some hold a word of the provider, which has seen the client's.
function secretsIn({ env, files }: Surface): readonly string[] {
  const clients = examine(env, files).config?.frontends.map(({ client }) => client) ?? [];
  return clients.flatMap(({ secret, fallbackSecret }) =>
    [secret, fallbackSecret].flatMap((each) => each?.reveal() ?? []),
  );
}

function withoutSecrets(line: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, '(hidden)'), line);
}

/** Findings, and where there are several frontends a line before those of each. */
async function* examination({ env, files, clock, nodeVersion }: Surface): AsyncGenerator<Finding | string> {
  yield checkNode(nodeVersion);
  const examined = examine(env, files);
  yield* checkSettings(examined);
  const { config } = examined;
  if (config === undefined) return; // what the rest would ask, and whom, is not known
  const store = await checkStore({ config, clock });
  yield* store;
  const isFit = store.every(({ verdict }) => verdict === 'ok' || verdict === 'warn');
  for (const own of config.frontends) {
    if (config.listsFrontends) yield `\nfrontend ${own.id}`;
    yield* ofFrontend({ config, own, clock }, { isFit });
  }
}

async function* ofFrontend(around: Around, { isFit }: { readonly isFit: boolean }): AsyncGenerator<Finding> {
  const { metadata, json, findings } = await checkMetadata(around);
  yield* findings;
  if (metadata !== undefined) yield* await checkClient(around, { metadata, json });
  if (isFit) yield await checkRotation(around);
  yield* await checkEdge(around);
}
