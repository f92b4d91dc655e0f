/**
 * `POST /backchannel-logout`: the authorization server tells us that a session or
 * a person is signed out (OpenID Connect Back-Channel Logout 1.0).
 *
 * No browser takes part: neither cookies nor what browsers say of a request have a
 * say here. All proof is in the token.
 *
 * A token is noted as used after its order was carried out, so that one whose order
 * failed half-way can be delivered again. Two deliveries at once may both carry it
 * out; that ends nothing twice.
 *
 * @module
 */

import { randomToken } from '../base/random.ts';
import { catalogue, codeOf, ProblemError, retryAfterOf } from '../errors.ts';
import { readForm } from '../http/form-body.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import type { Sessions } from '../session/sessions.ts';
import { JwsError } from './jws.ts';
import { KeySetError } from './key-set.ts';
import { notBeforeOf } from './logout-order.ts';
import { type LogoutOrder, readLogoutOrder } from './logout-token.ts';
import type { Provider } from './provider.ts';

/** What it needs. */
export interface BackChannelLogoutParts {
  readonly provider: Pick<Provider, 'issuer' | 'verifyLogoutToken'>;
  readonly clientId: string;
  /** Whether a token must have `exp` and the type `logout+jwt`. */
  readonly strict: boolean;
  readonly sessions: Pick<Sessions, 'claimOnce' | 'wasClaimed' | 'endAllOf'>;
  readonly clock: { now(): number; after(ms: number, task: () => void): () => void };
}

/** A signed token in a form; the largest we would read in a cookie or header is far below. */
const formLimits = { maxBytes: 64 * 1024, limitMs: 10_000 } as const;
/** Longer than a token is taken (logout-token.ts), clocks that differ included. */
const rememberedMs = 10 * 60_000;

/** Answers a logout token: 200 done or unknown, 400 refused, 413, 503 when it cannot be known or done now. Does not throw. */
export async function answerBackChannelLogout(request: ClearedRequest, parts: BackChannelLogoutParts): Promise<Reply> {
  try {
    const order = await orderIn(await tokenIn(request, parts), parts);
    await carryOut({ ...order, frontendId: request.frontend.id }, parts);
    return { status: 200, headers: { 'Cache-Control': 'no-store' } };
  } catch (error) {
    return refusal(request, error);
  }
}

async function tokenIn(request: ClearedRequest, { clock }: BackChannelLogoutParts): Promise<string> {
  const form = await readForm(request, { ...formLimits, clock });
  const [token, another] = form.getAll('logout_token'); // other fields are ignored (2.5)
  if (token === undefined || another !== undefined) throw invalid('logout-token-missing-or-repeated');
  return token;
}

async function orderIn(token: string, parts: BackChannelLogoutParts): Promise<LogoutOrder> {
  const { provider, clientId, strict, clock } = parts;
  try {
    const { claims } = await provider.verifyLogoutToken(token, { strict });
    const order = readLogoutOrder(claims, { issuer: provider.issuer, clientId, strict, now: clock.now() });
    if (typeof order === 'string') throw invalid(order);
    return order;
  } catch (error) {
    if (error instanceof JwsError) throw invalid(error.reason, error);
    if (error instanceof KeySetError) throw new ProblemError('provider-unreachable', { cause: error });
    throw error;
  }
}

async function carryOut(
  { sought, iat, jti, frontendId }: LogoutOrder & { readonly frontendId: string },
  { sessions, clock }: BackChannelLogoutParts,
): Promise<void> {
  // Names are the issuer's own. What was used at another frontend was not carried out here.
  const name = `${frontendId}\0${sought.issuer}\0${jti}`;
  if (await sessions.wasClaimed('jti', name)) throw invalid('logout-token-used');
  await sessions.endAllOf(sought, { notBefore: notBeforeOf(iat, clock.now()), reason: 'back-channel' });
  await sessions.claimOnce('jti', name, { id: randomToken(128), ttlMs: rememberedMs });
}

/** A refusal whose cause is a word of ours: it becomes the detail of the log line. */
class LogoutTokenError extends Error {
  readonly reason: string;

  constructor(reason: string, cause: unknown) {
    super(`logout token refused: ${reason}`, { cause });
    this.name = 'LogoutTokenError';
    this.reason = reason;
  }
}

function invalid(reason: string, cause?: unknown): ProblemError {
  return new ProblemError('logout-token-invalid', { cause: new LogoutTokenError(reason, cause) });
}

// 2.8 wants the form of OAuth's errors (RFC 6749, 5.2). What was wrong is for our log: who sends forged tokens need not learn it.
function refusal({ record }: ClearedRequest, error: unknown): Reply {
  const code = codeOf(error);
  const cause = error instanceof ProblemError ? error.cause : error;
  record.refuse(code, cause);
  if (cause instanceof LogoutTokenError) record.detail = cause.reason;
  const { status, source } = catalogue[code];
  const retryAfter = retryAfterOf(code);
  return jsonReply(
    status,
    { error: status < 500 ? 'invalid_request' : status === 503 ? 'temporarily_unavailable' : 'server_error' },
    { 'X-Error-Source': source, ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }) },
  );
}
