/**
 * A client of the demo's authorization server without browser and library: keeps
 * cookies, follows redirects by hand, exchanges codes.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto';
import type { AuthorizationServer, DemoClient } from '../../../demo/authorization-server.ts';

/** The client every test registers. Nothing listens at its addresses; redirects to them are only looked at. */
export const client: DemoClient = {
  clientId: 'claimcheck-test',
  clientSecret: 'scripted-secret-1f0c2a',
  redirectUris: ['http://localhost:9/callback'],
  postLogoutRedirectUris: ['http://localhost:9/'],
};

/** The scope a client of the demo asks for. */
export const fullScope = 'openid profile email offline_access orders.read orders.write';

/** The metadata the server publishes, OpenID Connect Discovery, 4.2. */
export async function metadataOf(server: AuthorizationServer): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${server.issuer}/.well-known/openid-configuration`);
  // A JSON object by the section named above.
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

/** An answer of the token endpoint, RFC 6749, 5.1 and 5.2. */
export interface TokenAnswer {
  readonly status: number;
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token: string;
  readonly scope?: string;
  readonly expires_in: number;
  readonly error?: string;
}

/** One browser's worth of cookies, and the steps of a flow with them. */
export class ScriptedClient {
  readonly #server: AuthorizationServer;
  readonly #cookies = new Map<string, string>();

  constructor(server: AuthorizationServer) {
    this.#server = server;
  }

  /** Fetches one page of the server, without following its redirect. */
  async visit(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const target = new URL(url, this.#server.url);
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', ...init.headers, ...(cookie === '' ? {} : { cookie }) };
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || line.includes('expires=Thu, 01 Jan 1970')) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  /** Follows redirects from `url` until an answer is none, or leads to the client. */
  async follow(url: string | URL, init: RequestInit = {}): Promise<{ response: Response; url: URL }> {
    let at = new URL(url, this.#server.url);
    let response = await this.visit(at, init);
    for (let hops = 0; hops < 10; hops += 1) {
      const location = response.headers.get('location');
      if (location === null) return { response, url: at };
      at = new URL(location, at);
      if (at.origin !== this.#server.issuer) return { response, url: at };
      response = await this.visit(at);
    }
    throw new Error(`more than ten redirects, the last to ${at.href}`);
  }

  /** Runs an authorization request. `landing` is where the redirects end. */
  async authorize(changes: Readonly<Record<string, string | undefined>> = {}) {
    const verifier = randomBytes(32).toString('base64url');
    const params = this.paramsFor(verifier, changes);
    const url = new URL('/auth', this.#server.url);
    url.search = params.toString();
    const { response, url: landing } = await this.follow(url);
    return { response, landing, verifier, params };
  }

  /** The parameters of an authorization request; a change to `undefined` leaves one out. */
  paramsFor(verifier: string, changes: Readonly<Record<string, string | undefined>> = {}): URLSearchParams {
    const params: Record<string, string | undefined> = {
      client_id: client.clientId,
      response_type: 'code',
      redirect_uri: client.redirectUris[0],
      scope: fullScope,
      resource: this.#server.resource,
      state: 'state-1',
      nonce: 'nonce-1',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...changes,
    };
    return new URLSearchParams(
      Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  }

  /** Signs in as the hinted person and exchanges the code. */
  async signIn(changes: Readonly<Record<string, string | undefined>> = {}): Promise<TokenAnswer> {
    const { landing, verifier } = await this.authorize({ login_hint: 'alice', ...changes });
    return this.exchange(landing.searchParams.get('code') ?? '', verifier);
  }

  /** Exchanges a code. */
  exchange(code: string, verifier: string): Promise<TokenAnswer> {
    const redirect_uri = String(client.redirectUris[0]);
    return this.grant({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier });
  }

  /** Spends a refresh token. */
  refresh(refreshToken: string | undefined): Promise<TokenAnswer> {
    return this.grant({ grant_type: 'refresh_token', refresh_token: String(refreshToken) });
  }

  /** Asks the token endpoint. */
  async grant(form: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const response = await this.post('/token', form);
    // The token endpoint answers JSON by RFC 6749, 5.1; a test that depends on a member asserts it.
    return { ...((await response.json()) as Omit<TokenAnswer, 'status'>), status: response.status };
  }

  /** Posts a form as the authenticated client, without cookies. */
  post(path: string, form: Readonly<Record<string, string>>): Promise<Response> {
    const credentials = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64');
    return fetch(new URL(path, this.#server.url), {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, accept: 'application/json' },
      body: new URLSearchParams(form),
    });
  }
}
