import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createFrontend } from '../../../src/http/frontend.ts';
import type { InboundRequest } from '../../../src/http/inbound.ts';
import { ReplyHeaders } from '../../../src/http/reply-headers.ts';
import { corsStage } from '../../../src/stages/cors.ts';

const partner = 'https://partner.example';
const stage = corsStage(
  createFrontend({ id: 'f', publicUrl: 'https://app.example', authBasePath: '', trustedOrigins: [partner] }),
);

function ask(method: string, origin: string | undefined, preflightFor?: string) {
  const headers = { origin, 'access-control-request-method': preflightFor };
  const sent: { status?: number; headers: Record<string, unknown> } = { headers: {} };
  const response = {
    setHeader: (name: string, value: unknown) => {
      sent.headers[name] = value;
    },
    writeHead: (status: number) => {
      sent.status = status;
    },
    end: () => undefined,
  };
  const request = {
    method,
    origin,
    headers,
    message: { method, headers } as unknown as IncomingMessage,
    replyHeaders: new ReplyHeaders(),
    response,
  } as unknown as InboundRequest; // the members that the stage looks at
  return { step: stage(request), sent, flat: request.replyHeaders.flat };
}

describe('corsStage', () => {
  it('CF-08: gives an allowed origin its own value, with credentials', () => {
    const { step, flat } = ask('GET', partner);

    expect(step).toBe('next');
    expect(flat).toContain('Access-Control-Allow-Origin');
    expect(flat[flat.indexOf('Access-Control-Allow-Origin') + 1]).toBe(partner);
    expect(flat[flat.indexOf('Access-Control-Allow-Credentials') + 1]).toBe('true');
  });

  it.each([
    'https://evil.test',
    'null',
    'https://partner.example.evil.test',
    'https://PARTNER.example',
    `${partner}:8443`,
  ])('CF-08: gives %s no CORS header at all', (origin) => {
    expect(ask('GET', origin).flat).toEqual([]);
  });

  it('CF-10: answers the preflight of an allowed origin with closed lists and a bounded age', () => {
    const { step, sent } = ask('OPTIONS', partner, 'DELETE');

    expect(step).toBe('answered');
    expect(sent.status).toBe(204);
    expect(sent.headers['Access-Control-Allow-Methods']).toBe('GET,HEAD,POST,PUT,PATCH,DELETE');
    expect(sent.headers['Access-Control-Allow-Headers']).not.toContain('Authorization');
    expect(sent.headers['Access-Control-Max-Age']).toBe('600');
  });

  it('CF-10: refuses the preflight of another origin', () => {
    expect(ask('OPTIONS', 'https://evil.test', 'DELETE')).toMatchObject({ step: 'cross-origin', flat: [] });
  });
});
