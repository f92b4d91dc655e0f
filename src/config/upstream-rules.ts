/**
 * The block `upstreams` of the rules file: how a service is reached beyond its
 * URL. Its form, its contradictions, and the certificates it names, read and tried.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { Secret } from '../base/secret.ts';
import type { RouteConfig, UpstreamAddress, UpstreamConfig } from './config.ts';
import { causeOf, type Files } from './files.ts';
import { saying, text } from './rule-types.ts';
import { type Read, readUrl } from './values.ts';

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

function readOrigin(value: string): Read<string> {
  const url = readUrl(value);
  return 'value' in url && new URL(value).pathname === '/' && !value.replace(/^https?:\/\//i, '').includes('/')
    ? { value: new URL(value).origin }
    : { expected: 'an origin such as https://orders.internal:8443, without a path' };
}

/** `host`, `host:port`, `[IPv6]` or `[IPv6]:port`. */
function readAddress(value: string): Read<{ readonly host: string; readonly port: number | undefined }> {
  const [, six, other, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(value) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  const isHost = six === undefined ? hostName.test(other ?? '') : isIP(six) === 6;
  return isHost && (port === undefined || (port > 0 && port < 65_536))
    ? { value: { host: six ?? other ?? '', port } }
    : { expected: 'an address such as 10.0.0.7:8443, [2001:db8::7]:8443 or orders-a.internal' };
}

function readServerName(value: string): Read<string> {
  return hostName.test(value) && isIP(value) === 0
    ? { value }
    : { expected: 'the name in the certificate of the upstream, such as orders.internal' };
}

function readPath(value: string): Read<string> {
  return value === '' ? { expected: 'the path of a PEM file' } : { value };
}

/** One entry of `upstreams` as it is written. */
export const upstreamSchema = z.strictObject(
  {
    origin: text(readOrigin).meta({
      description: 'Which upstream this is about: scheme, host and port as in the routes.',
      examples: ['https://orders.internal:8443'],
    }),
    addresses: z
      .array(text(readAddress), saying('must be a list of addresses'))
      .min(1, { error: 'must name at least one address' })
      .optional()
      .meta({
        description:
          'Where it is reached, instead of what its host name resolves to. Load is shared; one that fails is left out until it answers again.',
        examples: [['10.0.0.7:8443', '10.0.0.8:8443']],
      }),
    server_name: text(readServerName)
      .optional()
      .meta({
        description: 'The name its certificate must be for, where that is not the host of the origin.',
        examples: ['orders.internal'],
      }),
    ca_file: text(readPath).optional().meta({
      description: 'PEM file of the authorities its certificate may come from, and no others.',
    }),
    cert_file: text(readPath).optional().meta({
      description: 'PEM file of the certificate chain that we show (mutual TLS). With key_file.',
    }),
    key_file: text(readPath).optional().meta({ description: 'PEM file of the key of cert_file.' }),
  },
  saying('must be an upstream, with origin'),
);

/** One entry of `upstreams` as it is written. */
export type UpstreamRule = z.infer<typeof upstreamSchema>;

/** A fault and the key of the entry where it is. */
export interface UpstreamFault {
  readonly at: number;
  readonly key: keyof UpstreamRule;
  readonly sentence: string;
}

/** What the entries contradict: each other, themselves, or the routes. */
export function contradictionsAmong(
  rules: readonly UpstreamRule[],
  routes: readonly Pick<RouteConfig, 'upstream'>[],
): readonly UpstreamFault[] {
  const origins = rules.map(({ origin }) => new URL(origin).origin);
  const used = new Set(routes.map(({ upstream }) => upstream.origin));
  return rules.flatMap((rule, at) => {
    const faults: UpstreamFault[] = [];
    const say = (key: keyof UpstreamRule, sentence: string) => faults.push({ at, key, sentence });
    const origin = origins[at] ?? '';
    if (origins.indexOf(origin) < at) say('origin', 'is there twice.');
    else if (!used.has(origin)) say('origin', 'is not the upstream of any route.');
    if ((rule.cert_file === undefined) !== (rule.key_file === undefined))
      say(
        rule.cert_file === undefined ? 'cert_file' : 'key_file',
        'is missing. Certificate and key are given together.',
      );
    for (const key of ['server_name', 'ca_file', 'cert_file'] as const)
      if (rule[key] !== undefined && !origin.startsWith('https:')) say(key, 'needs an https origin.');
    return faults;
  });
}

/** The entries with what their files hold, or what is wrong with those. Only for entries without contradictions. */
export function upstreamsFrom(
  rules: readonly UpstreamRule[],
  files: Files,
): { readonly upstreams: readonly UpstreamConfig[]; readonly faults: readonly UpstreamFault[] } {
  const faults: UpstreamFault[] = [];
  const upstreams = rules.map((rule, at) => {
    const say = (key: keyof UpstreamRule, sentence: string) => faults.push({ at, key, sentence });
    return upstreamFrom(rule, { files, say });
  });
  return { upstreams, faults };
}

interface Reading {
  readonly files: Files;
  readonly say: (key: keyof UpstreamRule, sentence: string) => void;
}

function upstreamFrom(rule: UpstreamRule, reading: Reading): UpstreamConfig {
  const { origin, protocol, port } = new URL(rule.origin);
  const usualPort = Number(port || (protocol === 'https:' ? 443 : 80));
  const addresses = (rule.addresses ?? []).flatMap((written): readonly UpstreamAddress[] => {
    const read = readAddress(written);
    return 'value' in read ? [{ host: read.value.host, port: read.value.port ?? usualPort }] : [];
  });
  const authorities = pemIn(rule, { ...reading, key: 'ca_file', parse: parseCertificates });
  const certificate = pemIn(rule, { ...reading, key: 'cert_file', parse: parseCertificates });
  const key = pemIn(rule, { ...reading, key: 'key_file', parse: createPrivateKey });
  const [own] = certificate?.parsed ?? [];
  if (own !== undefined && key !== undefined && !own.checkPrivateKey(key.parsed))
    reading.say('key_file', 'must hold the key of the first certificate in cert_file.');
  else if (certificate !== undefined && key !== undefined) tryForTls({ cert: certificate.pem, key: key.pem }, reading);
  return {
    origin,
    addresses,
    serverName: rule.server_name,
    authorities: authorities?.pem,
    certificate: certificate?.pem,
    key: key === undefined ? undefined : new Secret(key.pem),
  };
}

// What is well-formed may still be refused, such as a short key: better now than at every connection.
function tryForTls(shown: { readonly cert: string; readonly key: string }, { say }: Reading): void {
  try {
    createSecureContext(shown);
  } catch (error) {
    say('cert_file', `holds a certificate that cannot be used for TLS${causeOf(error)}.`);
  }
}

interface PemReading<Parsed> extends Reading {
  readonly key: 'ca_file' | 'cert_file' | 'key_file';
  readonly parse: (pem: string) => Parsed;
}

// What a parser says could show parts of a key: only the system's word for a file that is not there is told.
function pemIn<Parsed>(
  rule: UpstreamRule,
  { key, parse, files, say }: PemReading<Parsed>,
): { readonly pem: string; readonly parsed: Parsed } | undefined {
  const path = rule[key];
  if (path === undefined) return undefined;
  let pem: string;
  try {
    pem = files.readFile(path);
  } catch (error) {
    say(key, `names the file ${path}, which cannot be read${causeOf(error)}.`);
    return undefined;
  }
  try {
    return { pem, parsed: parse(pem) };
  } catch {
    say(
      key,
      `must name a PEM file with ${key === 'key_file' ? 'a private key without a passphrase' : 'certificates'}.`,
    );
    return undefined;
  }
}

function parseCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('no certificate');
  return blocks.map((block) => new X509Certificate(block));
}
