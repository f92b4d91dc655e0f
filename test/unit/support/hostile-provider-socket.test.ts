/**
 * What goes wrong on the socket of the hostile provider, and TLS.
 *
 * @module
 */

import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, within } from '../../support/eventually.ts';
import { createTlsIdentity } from '../../support/hostile/certificate.ts';
import type { Moment } from '../../support/hostile/fault.ts';
import { basicFor, postToken } from '../../support/hostile/relying-party.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';

let provider: HostileProvider;

beforeAll(async () => {
  provider = await startHostileProvider({ alg: 'ES256' });
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

type Watch = (response: IncomingMessage) => void;

/** The metadata, fetched without any cleverness: no decompression, no redirects. */
async function fetchPlain(watch: Watch = () => undefined) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest(`${provider.issuer}/.well-known/openid-configuration`, { agent: false });
  request.on('response', resolve).on('error', reject).end();
  const response = await promise;
  watch(response);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

describe('the socket', () => {
  const url = () => `${provider.issuer}/.well-known/openid-configuration`;

  it.each(['before-processing', 'before-headers'] satisfies Moment[])(
    'hangs %s: not even a status comes',
    async (at) => {
      provider.script.metadata.fault = { kind: 'hang', at };
      const leave = new AbortController();
      const answer = fetch(url(), { signal: leave.signal });
      await eventually(() => provider.hits('metadata') === 1);

      await expect(within(100, { work: answer, what: 'headers' })).rejects.toThrow('headers: nothing within');
      leave.abort();
      await eventually(() => provider.log[0]?.cut === true);
      provider.reset();
      expect((await fetchPlain()).status).toBe(200);
    },
  );

  it.each([
    ['after-headers', 0],
    ['mid-body', 0.5],
  ] as const)('hangs %s: the status and a part of the body come', async (at, part) => {
    const whole = Number((await fetch(url())).headers.get('content-length'));
    provider.script.metadata.fault = { kind: 'hang', at };
    const response = await fetch(url());
    const reader = response.body?.getReader();
    const first = part === 0 ? undefined : await reader?.read();

    expect([response.status, first?.value?.length ?? 0]).toEqual([200, Math.ceil(whole * part)]);
    const rest = Promise.resolve(reader?.read());
    await expect(within(100, { work: rest, what: 'the rest' })).rejects.toThrow('the rest: nothing within');
    await reader?.cancel();
    await eventually(() => provider.log.at(-1)?.cut === true);
  });

  it.each(['before-processing', 'before-headers', 'after-headers', 'mid-body'] satisfies Moment[])(
    'is reset %s',
    async (at) => {
      provider.script.metadata.fault = { kind: 'reset', at };

      await expect(fetchPlain()).rejects.toMatchObject({ code: 'ECONNRESET' });
      expect(provider.log.at(-1)?.cut).toBe(true);
      provider.reset();
      expect((await fetchPlain()).body.length).toBeGreaterThan(500);
    },
  );

  it('drips', async () => {
    provider.script.metadata.fault = { kind: 'drip', everyMs: 1, bytes: 100 };
    const sizes: number[] = [];
    await fetchPlain((response) => response.on('data', (chunk: Buffer) => sizes.push(chunk.length)));

    expect(sizes.length).toBeGreaterThan(5);
  });

  it('brings gzip that nobody asked for, and a bomb', async () => {
    const honest = await fetchPlain();
    provider.script.metadata.fault = { kind: 'gzip' };
    const { headers, body } = await fetchPlain();
    expect(headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(body)).toEqual(honest.body);
    provider.script.metadata.fault = { kind: 'gzip', inflatedBytes: 20_000_000 };

    const bomb = await fetchPlain();
    expect(bomb.body.length).toBeLessThan(100_000);
    expect(gunzipSync(bomb.body)).toHaveLength(20_000_000);
  });

  it('brings huge, nested and truncated JSON, and HTML', async () => {
    provider.script.metadata.fault = { kind: 'huge', bytes: 3_000_000 };
    const huge = await fetchPlain();
    expect([huge.body.length, JSON.parse(huge.body.toString()).issuer]).toEqual([3_000_000, provider.issuer]);
    provider.script.metadata.fault = { kind: 'nested', depth: 1_000 };
    expect((await fetchPlain()).body.toString()).toContain('['.repeat(1_000));
    provider.script.metadata.fault = { kind: 'truncated' };
    const half = await fetchPlain();
    expect(Number(half.headers['content-length'])).toBe(half.body.length);
    expect(() => JSON.parse(half.body.toString())).toThrow();
    provider.script.metadata.fault = { kind: 'html' };
    expect((await fetchPlain()).headers['content-type']).toBe('text/html');
  });

  it('stops pouring when the client has had enough', async () => {
    provider.script.metadata.fault = { kind: 'huge', bytes: 10_000_000_000, announced: true };
    const answer = fetchPlain((response) => response.once('data', () => response.destroy()));

    await expect(answer).rejects.toThrow();
    await eventually(() => provider.log.at(-1)?.cut === true);
  });

  it('redirects to the trap, which knows who followed', async () => {
    provider.script.token.fault = { kind: 'redirect', to: `${provider.trap.url}/token` };
    const form = { grant_type: 'authorization_code', code: 'c' };
    expect((await postToken(provider, form)).status).toBe(307);
    expect([provider.trap.hits.length, provider.trap.connections]).toEqual([0, 0]);
    const body = new URLSearchParams(form);
    await fetch(`${provider.issuer}/token`, { method: 'POST', body, headers: { authorization: basicFor(provider) } });

    expect(provider.trap.hits).toMatchObject([{ method: 'POST', url: '/token', body: body.toString() }]);
  });

  it('brings bytes that are no HTTP, or two answers', async () => {
    const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    provider.script.metadata.fault = { kind: 'bytes', bytes };
    expect((await fetchPlain()).body.toString()).toBe('{}');
    provider.script.metadata.fault = { kind: 'bytes', bytes: 'SMTP ready\r\n' };

    await expect(fetchPlain()).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' });
  });

  it('speaks TLS, and knows a client by its certificate', async () => {
    const [tls, app, other] = [createTlsIdentity(), createTlsIdentity('app'), createTlsIdentity('other')];
    const clients = [{ clientId: 'm', certificate: app.thumbprint }];
    const own = await startHostileProvider({ tls: { ...tls, clientCertificates: true }, clients, alg: 'ES256' });
    own.script.metadata.mtlsAliases = true;
    const post = async (identity: { readonly key: string; readonly cert: string }) => {
      const form = new URLSearchParams({ client_id: 'm', token: 'x' }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const options = {
        method: 'POST',
        headers,
        ca: tls.cert,
        key: identity.key,
        cert: identity.cert,
        agent: false,
      } as const;
      const request = httpsRequest(`${own.issuer}/mtls/introspect`, options).end(form);
      const [response] = (await once(request, 'response')) as [IncomingMessage]; // what the event carries
      response.resume();
      return response.statusCode;
    };

    expect(own.issuer).toMatch(/^https:/);
    expect(await post(app)).toBe(200);
    expect(own.log.at(-1)).toMatchObject({ byAlias: true, auth: { valid: true, method: 'tls_client_auth' } });
    expect(await post(other)).toBe(401);
    await own.close();
  });
});
