/**
 * A service that takes no token without a proof of possession (RFC 9449, 7): the
 * checks of section 4.3, and nonces where it is told to want them.
 *
 * @module
 */

import { checkDpop, DpopNonces, type NonceDemand } from './hostile/dpop.ts';
import type { DpopVerdict, LoggedRequest } from './hostile/log.ts';
import type { Script } from './upstream.ts';
import type { UpstreamRequest } from './upstream-connection.ts';

/** Looks at each request of an upstream, and lets those in that prove their token. */
export class ProofDesk {
  /** Whether it wants a nonce of its own. */
  demand: NonceDemand = 'off';
  /** A new nonce with each good answer; only the latest is taken then. */
  rotate = false;
  /** How it writes the name of the scheme. */
  scheme = 'DPoP';
  /** Tokens it says it does not know. */
  readonly refused = new Set<string>();
  /** What it made of each proof, oldest first. */
  readonly verdicts: DpopVerdict[] = [];
  /** Where it is reached, as clients write it; set once it listens. */
  origin = '';
  readonly #nonces = new DpopNonces();
  readonly #usedJtis = new Set<string>();
  readonly #now: () => number;

  /** @param now The time in s. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The nonce it wants now. */
  get nonce(): string {
    return this.#nonces.current('resourceServer');
  }

  /** The answer to a request; `admitted` answers those that are let in. */
  readonly answer =
    (admitted: Script): Script =>
    (request) => {
      const { scheme, token } = credentialIn(request);
      if (this.demand === 'endless') this.#nonces.renew('resourceServer');
      const verdict = checkDpop(asLogged(request), {
        target: this.origin + request.target.replace(/\?.*/, ''),
        now: this.#now(),
        demand: this.demand,
        nonce: this.nonce,
        accessToken: token,
        usedJtis: this.#usedJtis,
      });
      if (verdict !== undefined) this.verdicts.push(verdict);
      if (scheme !== 'DPoP' || verdict === undefined || this.refused.has(token)) return this.#refusal('invalid_token');
      if (verdict.reason === 'nonce') return this.#refusal('use_dpop_nonce', [['DPoP-Nonce', this.nonce]]);
      if (!verdict.valid) return this.#refusal('invalid_dpop_proof');
      return this.rotate ? this.#withNextNonce() : admitted(request);
    };

  /** Honest and content again. */
  reset(): void {
    Object.assign(this, { demand: 'off', rotate: false, scheme: 'DPoP' });
    this.verdicts.length = 0;
    this.refused.clear();
    this.#nonces.expire();
  }

  #withNextNonce() {
    this.#nonces.renew('resourceServer');
    return { headers: [['DPoP-Nonce', this.nonce] as [string, string]], body: 'ok' };
  }

  #refusal(error: string, headers: [string, string][] = []) {
    const challenge = `Bearer realm="x", ${this.scheme} algs="ES256", error="${error}"`;
    return { status: 401, headers: [['WWW-Authenticate', challenge] as [string, string], ...headers], body: 'no' };
  }
}

function credentialIn({ headers }: UpstreamRequest): { readonly scheme: string; readonly token: string } {
  const value = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? '';
  const [scheme = '', token = ''] = value.split(' ');
  return { scheme, token };
}

// What is looked at of a request: its method and its headers.
function asLogged({ method, headers }: UpstreamRequest): LoggedRequest {
  const named = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { method, headers: named, rawHeaders: headers.flat() } as unknown as LoggedRequest;
}
