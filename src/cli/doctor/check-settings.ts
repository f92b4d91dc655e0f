/**
 * What can be told without asking anybody: the Node that runs this, the faults and
 * the warnings of the configuration, origins that no cookie will reach.
 *
 * @module
 */

import type { Config } from '../../config/config.ts';
import type { Examined } from '../../config/load.ts';
import { isProbablySameSite } from '../../config/same-site.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The releases of Node that are supported: major, and the least minor of it. The last entry stands for later majors too. */
export const supportedNode = [
  { major: 24, minor: 21 },
  { major: 26, minor: 10 },
] as const;

/** Whether this Node, as `process.versions.node` has it, is supported. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const newest = supportedNode[supportedNode.length - 1];
  const own = supportedNode.find((release) => release.major === major);
  const isSupported = own === undefined ? major > (newest?.major ?? 0) : minor >= own.minor;
  const wanted = supportedNode.map((release) => `${release.major}.${release.minor}`).join(' or ');
  return isSupported
    ? ok('node', `${version} is supported`)
    : fail('node', `${version} is not supported: install Node ${wanted}, or newer`);
}

/** The configuration as it is read at start. */
export function checkSettings({ config, error }: Examined): readonly Finding[] {
  if (config === undefined) return (error?.faults ?? []).map((fault) => fail('settings', fault));
  const origins = foreignOrigins(config);
  // Told below, as the failure that it is for whoever listed them.
  const others = config.warnings.filter((text) => !/^(?:frontend [a-z0-9-]+: )?CORS_ALLOWED_ORIGINS/.test(text));
  return [
    ok('settings', 'every setting is valid'),
    ...others.map((text) => warn('settings', text)),
    ...origins.map((origin) =>
      fail(
        'cors',
        `CORS_ALLOWED_ORIGINS: ${origin} is another site than PUBLIC_URL, so browsers send it no session cookie: serve that page under the same registrable domain and scheme, or remove it`,
      ),
    ),
  ];
}

function foreignOrigins({ frontends }: Config): readonly string[] {
  return frontends.flatMap(({ corsAllowedOrigins, publicUrl }) =>
    corsAllowedOrigins.filter((origin) => !isProbablySameSite(origin, publicUrl)),
  );
}
