/**
 * Looks at what the authorization server publishes: its metadata and its keys.
 * Whether they can be used is decided by the code that uses them.
 *
 * @module
 */

import type { Clock } from '../../base/clock.ts';
import type { Config, FrontendConfig } from '../../config/config.ts';
import { isSecure } from '../../oidc/back-channel.ts';
import { aheadSeconds } from '../../oidc/checks.ts';
import { demandedOf } from '../../oidc/flow-demands.ts';
import { MetadataError, metadataFrom, metadataUrl, type ProviderMetadata } from '../../oidc/metadata.ts';
import { JsonError, type JsonObject, parseJsonObject } from '../../oidc/strict-json.ts';
import { usableKeysFrom } from '../../oidc/usable-keys.ts';
import { type Asked, adviceFor, ask, type NoAnswer } from './ask.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** What is asked with. */
export interface Around {
  /** Of the process. */
  readonly config: Config;
  /** Of the frontend that is looked at. */
  readonly own: FrontendConfig;
  readonly clock: Clock;
}

/** The metadata, where it can be used, and what is to be said of it. */
export interface MetadataReport {
  readonly metadata: ProviderMetadata | undefined;
  /** As it came: members that the product does not use, and the doctor looks at. */
  readonly json: JsonObject;
  readonly findings: readonly Finding[];
}

/** Fetches the metadata and looks at it, at the clocks, and at the keys. */
export async function checkMetadata({ own: config, clock }: Around): Promise<MetadataReport> {
  const url = new URL(metadataUrl(config.issuer));
  const none = (finding: Finding): MetadataReport => ({ metadata: undefined, json: {}, findings: [finding] });
  if (!isSecure(url)) return none(fail('metadata', 'ISSUER must be https unless it is on this machine'));
  const asked = await ask(url, { clock, limitMs: config.providerTimeoutMs });
  const read = jsonOf(asked);
  if ('verdict' in read) return none({ ...read, text: `ISSUER: ${url.href}: ${read.text}` });
  const { json } = read;
  const metadata = usable(json, config);
  if ('verdict' in metadata) return none(metadata);
  const clocks = 'headers' in asked ? clockFinding(asked, clock) : [];
  const keys = await checkKeys(metadata, { own: config, clock });
  return {
    metadata,
    json,
    findings: [ok('metadata', url.href), ...clocks, keys, ...memberFindings(metadata, { json, config })],
  };
}

function jsonOf(asked: Asked | NoAnswer): Finding | { readonly json: JsonObject } {
  if ('failure' in asked) return fail('metadata', adviceFor(asked.failure));
  if (asked.status !== 200) {
    return fail(
      'metadata',
      `answers with status ${asked.status}: ISSUER must be the issuer exactly as the provider names it, with its path`,
    );
  }
  try {
    return { json: parseJsonObject(asked.body) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return fail(
      'metadata',
      `is no JSON that can be read in one way (${error.reason}): is this the issuer, and no page of a proxy?`,
    );
  }
}

function usable(json: JsonObject, { issuer, client }: FrontendConfig): ProviderMetadata | Finding {
  try {
    return demandedOf(metadataFrom(json, issuer), client.flow);
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    return fail('metadata', adviceOn(error, { published: json.issuer, issuer }));
  }
}

function adviceOn(
  { reason, message }: MetadataError,
  { published, issuer }: { readonly published: unknown; readonly issuer: string },
): string {
  if (reason === 'issuer-differs') return differs(published, issuer);
  if (reason === 'issuer-of-many-tenants') {
    return 'the issuer it names stands for many tenants, and no token bears that name: set ISSUER to the issuer of one tenant, for Microsoft Entra ID https://login.microsoftonline.com/TENANT-ID/v2.0';
  }
  return `${message}: this provider cannot be used until its metadata is mended`;
}

function differs(published: unknown, issuer: string): string {
  if (typeof published !== 'string') return 'the metadata names no issuer';
  const isSlash = published.replace(/\/$/, '') === issuer.replace(/\/$/, '');
  const what = isSlash
    ? 'ISSUER differs from the published one in the slash at its end'
    : 'ISSUER is not the published one';
  return `${what}: set ISSUER=${JSON.stringify(published).slice(1, -1)}`;
}

/** Seconds. Behind by more than tokens may be dated ahead, every one is refused; half of that leaves room for its way. Ahead, they end early. */
const mostBehind = aheadSeconds / 2;
const mostAhead = 30;

function clockFinding({ headers }: Asked, clock: Clock): readonly Finding[] {
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) return [];
  const seconds = Math.round((clock.now() - theirs) / 1000);
  if (seconds >= -mostBehind && seconds <= mostAhead) return [ok('clock', 'agrees with the provider’s')];
  const where = seconds > 0 ? 'ahead of' : 'behind';
  return [
    fail(
      'clock',
      `this machine is ${Math.abs(seconds)} s ${where} the provider: synchronise both by NTP, or tokens are refused`,
    ),
  ];
}

async function checkKeys(
  { jwks_uri }: ProviderMetadata,
  { own: config, clock }: Omit<Around, 'config'>,
): Promise<Finding> {
  const asked = await ask(new URL(jwks_uri), { clock, limitMs: config.providerTimeoutMs });
  if ('failure' in asked) return fail('jwks', `${jwks_uri}: ${adviceFor(asked.failure)}`);
  if (asked.status !== 200)
    return fail('jwks', `${jwks_uri} answers with status ${asked.status}: no token can be verified`);
  const read = jsonOf(asked);
  const keys = 'verdict' in read ? undefined : usableKeysFrom(read.json);
  if (keys === undefined)
    return fail(
      'jwks',
      `${jwks_uri} holds no key that may be used: an RSA key of 2048 bits or a P-256 key at least is needed`,
    );
  return ok('jwks', `${keys.length} usable ${keys.length === 1 ? 'key' : 'keys'}`);
}

function memberFindings(
  metadata: ProviderMetadata,
  { json, config }: { readonly json: JsonObject; readonly config: FrontendConfig },
): readonly Finding[] {
  return [pkceFinding(metadata), refreshFinding({ metadata, json, config })];
}

function pkceFinding({ code_challenge_methods_supported: methods }: ProviderMetadata): Finding {
  if (methods === undefined)
    return warn('pkce', 'the metadata does not say whether S256 is supported: ask the provider (RFC 9700, 2.1.1)');
  if (methods.includes('S256')) return ok('pkce', 'S256 is supported');
  return fail(
    'pkce',
    'the metadata does not list S256: switch PKCE with S256 on at the provider; no sign-in is begun without it',
  );
}

function refreshFinding({
  metadata,
  json,
  config,
}: {
  readonly metadata: ProviderMetadata;
  readonly json: JsonObject;
  readonly config: FrontendConfig;
}): Finding {
  const { scopes_supported: supported } = metadata;
  const grants = json['grant_types_supported'];
  if (Array.isArray(grants) && !grants.includes('refresh_token')) {
    return warn(
      'refresh',
      'the provider does not offer refresh tokens (grant_types_supported): sessions end with their access token',
    );
  }
  const isKnown = supported?.includes('offline_access') ?? true;
  const isAsked = config.scopes.includes('offline_access');
  if (isAsked && isKnown) return ok('refresh', 'offline_access is asked for');
  if (isAsked && !config.scopesAreDefault) {
    return fail(
      'refresh',
      'SCOPES asks for offline_access, which scopes_supported does not list: leave it out, or allow it for this client at the provider',
    );
  }
  return warn(
    'refresh',
    'offline_access is not asked for: without a refresh token sessions end with their access token; add it to SCOPES if the provider gives refresh tokens for it',
  );
}
