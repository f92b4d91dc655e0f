/**
 * The demo's orders API with real tokens of the demo's authorization server, and
 * with forged ones.
 */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthorizationServer, startAuthorizationServer } from '../../../demo/authorization-server.ts';
import { type OrdersApi, startOrdersApi } from '../../../demo/orders-api.ts';
import { alice, bob } from '../../../demo/people.ts';
import { client, ScriptedClient } from './scripted-client.ts';

let server: AuthorizationServer;
let api: OrdersApi;
const lines: string[] = [];

beforeAll(async () => {
  server = await startAuthorizationServer({ clients: [client] });
  api = await startOrdersApi({ issuer: server.issuer, audience: server.resource, log: (line) => lines.push(line) });
});

afterAll(async () => {
  await api.close();
  await server.close();
});

async function tokenOf(login: string, changes: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  return (await new ScriptedClient(server).signIn({ login_hint: login, ...changes })).access_token;
}

function ask(path: string, { token, ...init }: RequestInit & { token?: string } = {}): Promise<Response> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${api.url}${path}`, { ...init, headers: { ...authorization, ...init.headers } });
}

function place(token: string, order: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const body = typeof order === 'string' ? order : JSON.stringify(order);
  return ask('/orders', { token, method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

describe('reading orders', () => {
  it('shows each person their own', async () => {
    const ofAlice = await ask('/orders', { token: await tokenOf('alice') });
    const ofBob = await ask('/orders', { token: await tokenOf('bob') });

    expect(ofAlice.status).toBe(200);
    expect(ofAlice.headers.get('cache-control')).toBe('no-store');
    const [hers, his] = [JSON.stringify(await ofAlice.json()), JSON.stringify(await ofBob.json())];
    expect(hers).toContain('"id":"1001"');
    expect(his).toContain('"id":"1002"');
    expect(hers).not.toContain('"id":"1002"');
  });

  it('shows an order to its owner, and hides it from others like one that never was', async () => {
    const token = await tokenOf('alice');
    expect(await (await ask('/orders/1001', { token })).json()).toMatchObject({ id: '1001', quantity: 1 });

    const [foreign, absent] = [await ask('/orders/1002', { token }), await ask('/orders/999999', { token })];
    expect([foreign.status, absent.status]).toEqual([404, 404]);
    expect(await foreign.text()).toBe(await absent.text());
    expect((await ask('/orders/1002', { token: await tokenOf('bob') })).status).toBe(200);
  });

  it('answers HEAD like GET, without a body', async () => {
    const token = await tokenOf('alice');
    const [get, head] = [await ask('/orders', { token }), await ask('/orders', { token, method: 'HEAD' })];

    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
    expect(await head.text()).toBe('');
  });
});

describe('the token', () => {
  it('is asked for with a challenge that names no error when there is none', async () => {
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Bearer ' }]) {
      const response = await ask('/orders', { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="orders"');
    }
    expect((await ask('/orders?access_token=x')).status).toBe(401);
  });

  it('is asked for on every path and method', async () => {
    for (const [path, method] of [
      ['/', 'GET'],
      ['/orders/1001', 'HEAD'],
      ['/orders', 'DELETE'],
      ['/none', 'POST'],
    ]) {
      expect((await ask(String(path), { method: String(method) })).status).toBe(401);
    }
    const token = await tokenOf('alice');
    expect((await ask('/', { token })).status).toBe(404);
    const refused = await ask('/orders', { token, method: 'DELETE' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });

  it('must have the scope of what is done', async () => {
    const readOnly = await tokenOf('alice', { scope: 'openid orders.read' });
    expect((await ask('/orders', { token: readOnly })).status).toBe(200);
    const refused = await place(readOnly, { item: 'Cane', quantity: 1 });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer realm="orders", error="insufficient_scope", scope="orders.write"',
    );

    const writeOnly = await tokenOf('alice', { scope: 'openid orders.write' });
    expect((await ask('/orders', { token: writeOnly })).status).toBe(403);
    expect((await ask('/orders/1001', { token: writeOnly })).status).toBe(403);
  });

  it('must be for this audience', async () => {
    const elsewhere = await startOrdersApi({ issuer: server.issuer, audience: 'https://other.example.test' });
    const response = await fetch(`${elsewhere.url}/orders`, {
      headers: { authorization: `Bearer ${await tokenOf('alice')}` },
    });
    await elsewhere.close();

    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="orders", error="invalid_token"');
  });

  it('must be one: neither an ID token nor an opaque one passes', async () => {
    const { id_token, access_token } = await new ScriptedClient(server).signIn({ resource: undefined });

    expect((await ask('/orders', { token: id_token })).status).toBe(401);
    expect((await ask('/orders', { token: access_token })).status).toBe(401);
  });

  it('must come once', async () => {
    const token = await tokenOf('alice');
    const { port } = new URL(api.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        const line = `Authorization: Bearer ${token}\r\n`;
        socket.end(`GET /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${line}${line}\r\n`);
      });
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });

    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*error="invalid_request"/);
  });
});

describe('when the authorization server is away', () => {
  it('says 503, not 401, and recovers', async () => {
    const brief = await startAuthorizationServer({ clients: [client] });
    const token = (await new ScriptedClient(brief).signIn()).access_token;
    const lonely = await startOrdersApi({ issuer: 'http://127.0.0.1:9', audience: server.resource });
    const response = await fetch(`${lonely.url}/orders`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');

    const late = await startOrdersApi({ issuer: brief.issuer, audience: server.resource });
    await brief.close();
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${late.url}/orders`, { headers })).status).toBe(503);
    const again = await startAuthorizationServer({ port: Number(new URL(brief.issuer).port), clients: [client] });
    const fresh = (await new ScriptedClient(again).signIn()).access_token;
    const recovered = await fetch(`${late.url}/orders`, { headers: { authorization: `Bearer ${fresh}` } });
    expect(recovered.status).toBe(200);
    await Promise.all([lonely.close(), late.close(), again.close()]);
  });
});

describe('placing an order', () => {
  it('answers 201 with its address, and the order is in the list', async () => {
    const token = await tokenOf('bob');
    const response = await place(token, { item: '  Walking stick ', quantity: 2 });
    expect(response.status).toBe(201);
    const order = (await response.json()) as { id: string };
    expect(order).toMatchObject({ item: 'Walking stick', quantity: 2, status: 'open' });

    const location = response.headers.get('location') ?? '';
    expect(await (await ask(location, { token })).json()).toEqual(order);
    expect(await (await ask('/orders', { token })).text()).toContain('Walking stick');
    expect((await ask(location, { token: await tokenOf('alice') })).status).toBe(404);
  });

  it.each([
    ['no JSON', 'quantity=2'],
    ['a list', []],
    ['nothing', 'null'],
    ['no item', { quantity: 1 }],
    ['a blank item', { item: '  ', quantity: 1 }],
    ['an endless item', { item: 'x'.repeat(81), quantity: 1 }],
    ['no quantity', { item: 'Cane' }],
    ['a quantity as text', { item: 'Cane', quantity: '1' }],
    ['half a cane', { item: 'Cane', quantity: 0.5 }],
    ['no cane', { item: 'Cane', quantity: 0 }],
    ['too many canes', { item: 'Cane', quantity: 100 }],
    ['an order for somebody else', { item: 'Cane', quantity: 1, sub: bob.sub }],
  ])('refuses %s with 422', async (_what, order) => {
    const response = await place(await tokenOf('alice'), order);

    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('refuses other content types and long bodies, and takes a charset', async () => {
    const token = await tokenOf('alice');
    const order = { item: 'Cane', quantity: 1 };

    expect((await place(token, order, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await place(token, { item: 'x'.repeat(5000), quantity: 1 })).status).toBe(413);
    expect((await place(token, order, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(201);
  });

  it('has an end', async () => {
    const own = await startOrdersApi({ issuer: server.issuer, audience: server.resource });
    const headers = { authorization: `Bearer ${await tokenOf('alice')}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ item: 'Cane', quantity: 1 });
    const statuses: number[] = [];
    for (let count = 0; count < 98; count += 1) {
      statuses.push((await fetch(`${own.url}/orders`, { method: 'POST', headers, body })).status);
    }
    await own.close();

    expect(statuses.filter((status) => status === 201)).toHaveLength(97);
    expect(statuses.at(-1)).toBe(409);
  });
});

it('notes what was asked and answered, and by whom', async () => {
  const token = await tokenOf('alice');
  const before = api.requests.length;
  await ask('/orders', { token });
  await ask('/orders');

  expect(api.requests.slice(before)).toEqual([
    { method: 'GET', url: '/orders', status: 200, sub: alice.sub, tokenId: expect.any(String) },
    { method: 'GET', url: '/orders', status: 401, sub: undefined, tokenId: undefined },
  ]);
  expect(lines.at(-1)).toBe('GET /orders 401');
});
