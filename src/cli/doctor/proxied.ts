/**
 * Learns from the server's own count what the proxy before it says of the
 * browser's transport: the server alone sees that header.
 *
 * @module
 */

import type { Config, FrontendConfig } from '../../config/config.ts';
import { reachableHost } from '../reachable-host.ts';
import { ask } from './ask.ts';
import type { Around } from './check-metadata.ts';
import { type Finding, fail, ok, skip, warn } from './finding.ts';

/** Requests so far, by what the proxy said; `undefined` when the operations port does not answer here. */
export type ProtoCounts = ReadonlyMap<string, number> | undefined;

const limitMs = 2_000;
const line = /^claimcheck_forwarded_proto_total\{proto="(https|http|untold)"\} (\d+)/gm;

/** Reads the count at the operations port of this machine. */
export async function forwardedProtoCounts({ config, clock }: Around): Promise<ProtoCounts> {
  const { host, port } = config.operations;
  const url = URL.parse(`http://${reachableHost(host)}:${port}/metrics`);
  if (url === null || port === 0) return undefined;
  const asked = await ask(url, { clock, limitMs });
  if ('failure' in asked || asked.status !== 200) return undefined;
  return new Map([...asked.body.matchAll(line)].map(([, proto = '', count = '0']) => [proto, Number(count)]));
}

/** What is known of two counts, with our own requests between them. */
export interface Counted {
  readonly before: ProtoCounts;
  readonly after: ProtoCounts;
  readonly config: Config;
  readonly own: FrontendConfig;
}

/** What the proxy says of our own requests. Nothing when no proxy is expected. */
export function protoFindings({ before, after, config, own }: Counted): readonly Finding[] {
  const subject = 'proxy';
  if (!own.publicUrl.startsWith('https:') || config.tls !== undefined) return [];
  if (before === undefined || after === undefined) {
    return [
      skip(
        subject,
        'what the proxy says in X-Forwarded-Proto can be told only where OPS_HOST and OPS_PORT of a running server can be reached',
      ),
    ];
  }
  const grew = (proto: string) => (after.get(proto) ?? 0) > (before.get(proto) ?? 0);
  if (grew('untold')) {
    return [
      fail(
        subject,
        'X-Forwarded-Proto is missing, so plain http cannot be told from https: let the proxy set it (nginx: proxy_set_header X-Forwarded-Proto $scheme)',
      ),
    ];
  }
  if (grew('https')) return [ok(subject, 'is trusted, and says https')];
  if (config.trustedProxies.length === 0) {
    return [
      warn(
        subject,
        'PUBLIC_URL is https and the server speaks http, so a proxy stands before it: name its address in TRUSTED_PROXIES, or all people count as one address',
      ),
    ];
  }
  return [
    warn(
      subject,
      'the requests of this check did not come by an address of TRUSTED_PROXIES, or went to another instance: compare TRUSTED_PROXIES with the address of the proxy',
    ),
  ];
}
