/**
 * What the demo's authorization server did, for those who test against it: every
 * secret it issued, grants by type, revoked tokens, what clients asked for.
 *
 * It only listens; nothing here changes an answer.
 *
 * @module
 */

import type Provider from 'oidc-provider';

/** A grant that was refused at the token endpoint. */
export interface RefusedGrant {
  readonly grantType: string;
  /** The OAuth error code, for example `invalid_grant`. */
  readonly error: string;
}

/** One back-channel logout the server sent, and how the client took it. */
export interface SentLogout {
  readonly clientId: string;
  readonly sub: string;
  readonly sid: string;
  /** Whether the client answered 200 or 204. */
  readonly delivered: boolean;
}

/** What happened so far. The arrays and maps go on growing; copy what must stay. */
export interface ProviderRecord {
  /** Every authorization code, access, refresh and ID token issued so far, each once. */
  readonly secrets: ReadonlySet<string>;
  /** How many grants of each type (`authorization_code`, `refresh_token`) were answered with tokens. */
  readonly grants: ReadonlyMap<string, number>;
  readonly refusedGrants: readonly RefusedGrant[];
  /** Tokens that a client revoked at the revocation endpoint, as sent; unknown tokens are not listed. */
  readonly revokedTokens: readonly string[];
  readonly sentLogouts: readonly SentLogout[];
  /** What went wrong inside the server; empty as long as it works. */
  readonly serverErrors: readonly Error[];
  /**
   * The parameters of the latest authorization request as the client sent them,
   * pushed or in the query, known to the server or not.
   */
  readonly lastAuthorizationParams: Readonly<Record<string, string>> | undefined;
}

/** Proofs of a client that stand in a pushed request and are none of its parameters. */
const clientProofs: ReadonlySet<string> = new Set(['client_secret', 'client_assertion', 'client_assertion_type']);

class GrowingRecord implements ProviderRecord {
  readonly secrets = new Set<string>();
  readonly grants = new Map<string, number>();
  readonly refusedGrants: RefusedGrant[] = [];
  readonly revokedTokens: string[] = [];
  readonly sentLogouts: SentLogout[] = [];
  readonly serverErrors: Error[] = [];
  lastAuthorizationParams: Readonly<Record<string, string>> | undefined;
}

/** Starts to listen. */
export function recordProvider(provider: Provider): ProviderRecord {
  const record = new GrowingRecord();
  recordTokens(provider, record);
  recordLogouts(provider, record);
  recordRequests(provider, record);
  provider.on('server_error', (_context, error: Error) => record.serverErrors.push(error));
  return record;
}

function recordTokens(provider: Provider, record: GrowingRecord): void {
  provider.on('authorization.success', (_context, answer) => addSecret(record, answer?.code));
  provider.on('grant.success', ({ oidc, body }) => {
    const grantType = String(oidc.params?.grant_type);
    record.grants.set(grantType, (record.grants.get(grantType) ?? 0) + 1);
    // The body is oidc-provider's token answer, RFC 6749, 5.1; it is an object by the time the event fires.
    const answer = body as Readonly<Record<string, unknown>>;
    for (const name of ['access_token', 'refresh_token', 'id_token']) addSecret(record, answer[name]);
  });
  provider.on('grant.error', ({ oidc }, { error }) => {
    record.refusedGrants.push({ grantType: String(oidc.params?.grant_type), error });
  });
}

function addSecret(record: GrowingRecord, secret: unknown): void {
  if (typeof secret === 'string') record.secrets.add(secret);
}

function recordLogouts(provider: Provider, record: GrowingRecord): void {
  provider.on('backchannel.success', (_context, { clientId }, sub, sid) => {
    record.sentLogouts.push({ clientId, sub, sid, delivered: true });
  });
  provider.on('backchannel.error', (_context, _error, { clientId }, sub, sid) => {
    record.sentLogouts.push({ clientId, sub, sid, delivered: false });
  });
}

function recordRequests(provider: Provider, record: GrowingRecord): void {
  const pushed = new Map<string, Readonly<Record<string, string>>>();

  provider.use(async (context, next) => {
    await next();
    const { oidc, status } = context;
    if (oidc?.route === 'authorization') {
      const query = plainParams(context.query);
      record.lastAuthorizationParams = { ...query, ...pushed.get(query.request_uri ?? '') };
    } else if (oidc?.route === 'pushed_authorization_request' && status === 201) {
      pushed.set(String(context.body.request_uri), plainParams(oidc.body));
    } else if (oidc?.route === 'revocation' && (oidc.entities.RefreshToken ?? oidc.entities.AccessToken)) {
      record.revokedTokens.push(String(oidc.params.token));
    }
  });
}

function plainParams(source: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(source ?? {})
      .filter(([name]) => !clientProofs.has(name))
      .map(([name, value]) => [name, String(value)]),
  );
}
