/**
 * SIGTERM under load: whatever was accepted is answered.
 */

import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Served, startServed } from '../support/served.ts';
import { dawdle } from '../support/slowness.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let served: Served;

beforeAll(async () => {
  upstream = await startUpstream(async () => {
    await dawdle(300);
    return { headers: [['Content-Type', 'application/json']], body: '{"whole":true}' };
  });
  served = await startServed({ upstream: upstream.origin });
});

afterAll(async () => {
  await served.close();
  await upstream.stop();
});

describe('a process that is told to end', () => {
  it('answers every request whose bytes it took, and then ends with 0', async () => {
    const browser = await served.signIn();
    const cookie = browser.cookieHeader(`${served.origin}/api/x`) ?? '';
    const agent = new Agent({ keepAlive: true });
    const call = async () => {
      const sent = request(`${served.origin}/api/x`, { agent, headers: { Cookie: cookie } });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]; // what Node emits
      let body = '';
      for await (const chunk of answer) body += String(chunk);
      return { status: answer.statusCode, body, connection: answer.headers.connection };
    };
    expect(await call()).toMatchObject({ status: 200 });
    const calls = Array.from({ length: 40 }, call);
    await eventually(() => upstream.begun.length >= 30);

    served.server.signal('SIGTERM');
    const answers = await Promise.all(calls);
    agent.destroy();

    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(
      Array.from({ length: 40 }, () => '200 {"whole":true}'),
    );
    expect(await served.server.ended).toMatchObject({ code: 0 });
  });
});
