/**
 * Our requests to the authorization server, over real sockets, with the time limit
 * moved by hand.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackChannel } from '../../../src/oidc/back-channel.ts';
import { type BackChannelError, type Endpoint, readAnswer } from '../../../src/oidc/back-channel-answer.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';

let server: Server;
let channel: BackChannel;
let clock: ManualClock;
let url: string;
let seen: string[];
let isHolding: boolean;

beforeEach(async () => {
  seen = [];
  isHolding = false;
  server = createServer((request, response) => {
    seen.push(request.url ?? '');
    if (!isHolding) response.setHeader('Content-Type', 'application/json').end('{"ok":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP listener has no other kind of address
  clock = new ManualClock();
  channel = new BackChannel({ timeoutMs: 5_000, clock });
});

afterEach(async () => {
  await channel.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const ask = (path: string, endpoint: Endpoint = 'token') =>
  channel.ask({ endpoint, url: url + path, method: 'GET', headers: { accept: 'application/json' } });

const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: BackChannelError) => `${error.reason} ${error.sent ? 'sent' : 'not sent'}`,
  );

describe('BackChannel', () => {
  it('CB-25, RF-05: what waited for a connection until its time was over is never sent', async () => {
    isHolding = true;
    const outcomes = Array.from({ length: 40 }, (_, index) => outcomeOf(ask(`/${index}`)));
    await eventually(() => seen.length === 32);
    clock.advanceSync(5_000);
    const settled = await Promise.all(outcomes);
    isHolding = false;

    expect(settled.filter((outcome) => outcome === 'deadline sent')).toHaveLength(32);
    expect(settled.filter((outcome) => outcome === 'deadline not sent')).toHaveLength(8);
    expect((await ask('/after')).json).toEqual({ ok: true });
    expect(seen).toHaveLength(33);
    expect(clock.pending).toBe(0);
  });

  it('LS-17, CB-25: goes nowhere but to https, or to this machine', async () => {
    for (const elsewhere of [
      'http://192.0.2.1/',
      'ftp://127.0.0.1/',
      'file:///etc/passwd',
      'no address',
      'http://localhost.evil.test/',
    ]) {
      const question = { endpoint: 'token', url: elsewhere, method: 'GET', headers: {} } as const;
      expect(await outcomeOf(channel.ask(question))).toBe('insecure-endpoint not sent');
    }
    expect((await ask('/here')).status).toBe(200);
  });

  it('CB-25: asks for nothing compressed and says who it is', async () => {
    let headers: object = {};
    server.prependOnceListener('request', (request) => {
      headers = request.headers;
    });
    await ask('/');

    expect(headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'claimcheck' });
  });
});

describe('readAnswer', () => {
  const answer = (type: string | undefined, body: string | Buffer, status = 200) => ({
    status,
    headers: type === undefined ? {} : { 'content-type': type },
    body: Buffer.from(body),
  });

  it.each([
    ['application/json', 'token'],
    ['Application/JSON ; charset=utf-8', 'token'],
    ['application/jwk-set+json', 'key-set'],
    ['application/vnd.example+json', 'metadata'],
  ] as const)('CB-25: takes %s at the %s', (type, endpoint) => {
    expect(readAnswer(endpoint, answer(type, '{"a":1}')).json).toEqual({ a: 1 });
  });

  it.each([
    ['text/html', 'token', '{"a":1}', 'wrong-type'],
    ['application/jsonp', 'token', '{"a":1}', 'wrong-type'],
    ['text/json', 'token', '{"a":1}', 'wrong-type'],
    ['application/jwt', 'token', 'a.b.c', 'wrong-type'],
    [undefined, 'metadata', '{"a":1}', 'wrong-type'],
    ['application/json', 'token', '[]', 'malformed'],
    ['application/json', 'token', '', 'malformed'],
    ['application/json', 'token', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'malformed'],
    ['application/json', 'token', '{"a":1,"a":2}', 'duplicate-member'],
  ] as const)('CB-25, IT-34: refuses %s at the %s with %j', (type, endpoint, body, reason) => {
    expect(() => readAnswer(endpoint, answer(type, body))).toThrow(expect.objectContaining({ reason, sent: true }));
  });

  it('CB-23: takes a signed answer as text at UserInfo only', () => {
    expect(readAnswer('user-info', answer('application/jwt', 'a.b.c'))).toMatchObject({
      text: 'a.b.c',
      json: undefined,
    });
  });

  it('RF-07: an error answer is used for what can be read of it', () => {
    expect(readAnswer('token', answer('application/json', '{"error":"x"}', 400)).json).toEqual({ error: 'x' });
    expect(readAnswer('token', answer('text/html', '<h1>', 400)).json).toBeUndefined();
    expect(readAnswer('token', answer('application/json', '{"error":"x","error":"y"}', 400)).json).toBeUndefined();
    expect(readAnswer('revocation', answer(undefined, '', 200)).json).toBeUndefined();
  });
});
