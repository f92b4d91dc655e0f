import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeOf } from '../../../src/errors.ts';
import { readForm } from '../../../src/http/form-body.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { openRaw, rawRequest } from '../../support/raw.ts';

let server: Server;
let clock: ManualClock;
/** What was read, or the code of the failure, for each request. */
let outcomes: string[];

const limits = { maxBytes: 64, limitMs: 10_000 };

beforeEach(async () => {
  clock = new ManualClock();
  outcomes = [];
  server = createServer();
  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    const outcome = await readForm({ headers: message.headers, message, response }, { ...limits, clock }).then(
      (form) => `read ${form}`,
      (error: unknown) => codeOf(error),
    );
    outcomes.push(outcome);
    response.end(outcome);
  };
  server.on('request', answer).on('checkContinue', answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const port = () => (server.address() as AddressInfo).port;
const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
const head = (fields: string) => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

async function outcomeOf(fields: string, body: string | Buffer): Promise<string | undefined> {
  await rawRequest(port(), Buffer.concat([Buffer.from(head(fields)), Buffer.from(body)]), { responses: 1 });
  return outcomes.at(-1);
}

describe('a form', () => {
  it('is read with every field as often as it was sent', async () => {
    expect(await outcomeOf(`${form}Content-Length: 11\r\n`, 'a=1&b=2&a=3')).toBe('read a=1&b=2&a=3');
    expect(await outcomeOf(`${form}Content-Length: 0\r\n`, '')).toBe('read ');
  });

  it('is read whatever the spelling of its type', async () => {
    const type = 'Content-Type: Application/X-WWW-FORM-urlencoded ; charset=latin1\r\n';
    expect(await outcomeOf(`${type}Content-Length: 8\r\n`, 'a=%C3%A4')).toBe('read a=%C3%A4');
  });

  it.each([
    ['another type', 'Content-Type: text/plain\r\nContent-Length: 3\r\n', 'a=1', 'body-invalid'],
    ['no type', 'Content-Length: 3\r\n', 'a=1', 'body-invalid'],
    [
      'a type that only begins so',
      `Content-Type: application/x-www-form-urlencoded2\r\nContent-Length: 3\r\n`,
      'a=1',
      'body-invalid',
    ],
    ['a coding', `${form}Content-Encoding: gzip\r\nContent-Length: 3\r\n`, 'a=1', 'body-invalid'],
    ['no text', `${form}Content-Length: 3\r\n`, Buffer.from([0x61, 0x3d, 0xff]), 'body-invalid'],
    ['a byte too much', `${form}Content-Length: 65\r\n`, `a=${'x'.repeat(63)}`, 'body-too-large'],
    [
      'a byte too much in chunks',
      `${form}Transfer-Encoding: chunked\r\n`,
      `20\r\n${'x'.repeat(32)}\r\n21\r\n${'x'.repeat(33)}\r\n0\r\n\r\n`,
      'body-too-large',
    ],
  ])('is refused with %s', async (_what, fields, body, code) => {
    expect(await outcomeOf(fields, body)).toBe(code);
    expect(await outcomeOf(`${form}Content-Length: 64\r\n`, `a=${'x'.repeat(62)}`)).toMatch(/^read a=x{62}$/);
  });

  it('is asked for before it is sent, when the client waits for that', async () => {
    const { responses } = await rawRequest(
      port(),
      `${head(`${form}Expect: 100-continue\r\nContent-Length: 3\r\n`)}a=1`,
      { responses: 1 },
    );

    expect(responses.map(({ status }) => status)).toEqual([100, 200]);
  });

  it('is not waited for without end, however steadily it drips', async () => {
    const raw = await openRaw(port());
    raw.write(head(`${form}Content-Length: 60\r\n`));
    for (let passed = 0; passed < 9; passed++) {
      raw.write('x');
      await clock.advance(1_000);
    }
    expect(outcomes).toEqual([]);

    await eventually(async () => {
      await clock.advance(1_000);
      return outcomes.length > 0;
    });

    expect(outcomes).toEqual(['request-timeout']);
    raw.destroy();
  });

  it('is given up when its client leaves, and nothing is kept of it', async () => {
    const raw = await openRaw(port());
    raw.write(`${head(`${form}Content-Length: 60\r\n`)}a=1`);
    await eventually(() => clock.pending === 1);

    raw.destroy();

    await eventually(() => expect(outcomes).toEqual(['body-invalid']));
    expect(clock.pending).toBe(0);
  });
});
