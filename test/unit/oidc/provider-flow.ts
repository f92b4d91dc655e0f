/**
 * A sign-in without a browser: the provider's part of Claimcheck against the
 * hostile provider, over real sockets.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '../../../src/base/clock.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { Grant, GrantError } from '../../../src/oidc/grant.ts';
import { Provider } from '../../../src/oidc/provider.ts';
import type { AuthorizationParameters, ProviderEvent, ProviderOptions } from '../../../src/oidc/provider-options.ts';
import type { HostileProvider } from '../../support/hostile-provider.ts';

/** Where the browser would be sent back to; nobody listens there. */
export const redirectUri = 'http://localhost:9/callback';

/** What was logged and reported, for claims about it. */
export interface Witness {
  readonly lines: string[];
  readonly events: ProviderEvent[];
}

/** A provider part for the first client of `hostile`, and what it told. */
export function providerFor(
  hostile: Pick<HostileProvider, 'issuer' | 'client'>,
  changes: Partial<ProviderOptions> = {},
): { readonly provider: Provider; readonly witness: Witness } {
  const witness: Witness = { lines: [], events: [] };
  const write = (message: string, fields: object = {}) =>
    void witness.lines.push(`${message} ${JSON.stringify(fields)}`);
  const provider = new Provider({
    issuer: hostile.issuer,
    client: {
      id: hostile.client.clientId,
      authMethod: 'client_secret_basic',
      secret: new Secret(hostile.client.clientSecret ?? ''),
      key: undefined,
    },
    scopes: ['openid', 'profile', 'offline_access', 'orders.read'],
    scopesAreDefault: false,
    apiAudience: undefined,
    timeoutMs: 2_000,
    redirectUri,
    clock: systemClock,
    log: { debug: write, info: write, warn: write, error: write },
    report: (event) => void witness.events.push(event),
    ...changes,
  });
  return { provider, witness };
}

/** What the browser brings back, and what belongs to it. */
export interface Landing {
  readonly callbackParameters: URLSearchParams;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly startedAt: number;
}

/** Where the browser is to be sent, and what is kept of it meanwhile. */
export async function authorizationOf(
  provider: Provider,
  changes: Partial<AuthorizationParameters> = {},
): Promise<Omit<Landing, 'callbackParameters'> & { readonly url: URL }> {
  const [state, nonce, verifier] = [random(), random(), random()];
  const codeChallenge = createHash('sha256').update(verifier).digest('base64url');
  const startedAt = Date.now();
  const url = await provider.authorizationUrl({ state, nonce, codeChallenge, ...changes });
  return { url, state, nonce, verifier, startedAt };
}

/** Goes to the authorization server and back. */
export async function authorize(provider: Provider, changes: Partial<AuthorizationParameters> = {}): Promise<Landing> {
  const { url, ...kept } = await authorizationOf(provider, changes);
  const response = await fetch(url, { redirect: 'manual' });
  const location = new URL(response.headers.get('location') ?? 'about:blank');
  return { ...kept, callbackParameters: location.searchParams };
}

/** A whole sign-in. `changes` are what was asked for beside the usual. */
export async function signIn(
  provider: Provider,
  changes: { readonly maxAge?: number; readonly acrValues?: string } = {},
): Promise<Grant> {
  const landing = await authorize(provider, changes);
  const acrValues = changes.acrValues?.split(' ') ?? [];
  return provider.redeem({ ...landing, maxAge: changes.maxAge, acrValues });
}

/** What `work` was refused with; throws when it was not. */
export async function refusalOf(work: Promise<unknown>): Promise<GrantError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error as GrantError, // a claim about its kind fails for any other error
  );
  if (outcome === undefined) throw new Error('it was not refused');
  if (outcome.name !== 'GrantError') throw outcome;
  return outcome;
}

function random(): string {
  return randomBytes(32).toString('base64url');
}
