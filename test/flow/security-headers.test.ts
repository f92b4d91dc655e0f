/**
 * The security headers of each kind of answer, whole and as they are on the wire: one
 * that goes missing, and one that is there twice, is seen.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { type Script, startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';

/** What has nothing to do with how a browser treats the answer. */
const others = new Set(['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'x-request-id']);

const document = [
  'cross-origin-opener-policy: same-origin',
  'origin-agent-cluster: ?1',
  'x-dns-prefetch-control: off',
  'x-download-options: noopen',
  'x-permitted-cross-domain-policies: none',
  'x-xss-protection: 0',
];
const everywhere = [
  'cross-origin-resource-policy: same-origin',
  'strict-transport-security: max-age=63072000; includeSubDomains',
  'x-content-type-options: nosniff',
  'x-frame-options: DENY',
];
const ofScript = ['referrer-policy: no-referrer', 'vary: Origin, Sec-Fetch-Site, Cookie', 'cache-control: no-store'];
const frames = "content-security-policy: frame-ancestors 'none'";

let upstream: Upstream;
let world: World;
const fine: Script = () => ({ headers: [['Content-Type', 'application/json']], body: '{}' });

beforeAll(async () => {
  upstream = await startUpstream(fine);
  const rules = `routes: [{ path: /api/open, upstream: "${upstream.origin}", access: public, token: none }]\n`;
  world = await startWorld({
    env: { RULES_FILE: 'rules.yaml', PUBLIC_URL: 'https://localhost', TRUSTED_PROXIES: '127.0.0.1' },
    files: { 'rules.yaml': rules },
  });
});

afterAll(async () => {
  await world.close();
  await upstream.stop();
});

async function headersOf(path: string, { accept = '*/*', script = fine } = {}): Promise<readonly string[]> {
  upstream.script = script;
  const request = [`GET ${path} HTTP/1.1`, 'Host: localhost', `Accept: ${accept}`, 'X-Forwarded-Proto: https', '', ''];
  const { final } = await rawRequest(world.port, request.join('\r\n'), { responses: 1 });
  const headers = final[0]?.headers ?? [];
  const kept = headers
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !others.has(name));
  return kept.map(([name, value]) => `${name}: ${value}`).sort();
}

describe('the headers of', () => {
  it('CF-18, CF-19: an answer of an API to a script are those that matter beside data', async () => {
    expect(await headersOf('/api/open')).toEqual([...everywhere, ...ofScript, frames].sort());
  });

  it('CF-18, PX-21: an answer of an API that might be shown as a page are all, and a sandbox', async () => {
    const script: Script = () => ({ headers: [['Content-Type', 'text/html']], body: '<p>' });
    expect(await headersOf('/api/open', { script })).toEqual(
      [...everywhere, ...ofScript, ...document, frames, 'content-security-policy: sandbox'].sort(),
    );
  });

  it('CF-18: a refusal of an API are those of data', async () => {
    const refused = await headersOf('/api/open/%2e%2e');
    expect(refused).toContain('x-error-source: claimcheck');
    expect(refused.filter((line) => !line.startsWith('x-error-source'))).toEqual(
      expect.arrayContaining([...everywhere, 'referrer-policy: no-referrer', 'cache-control: no-store']),
    );
  });

  it('CF-18: an answer about the session are all, and nothing loads from it', async () => {
    const closed = "content-security-policy: default-src 'none';frame-ancestors 'none';base-uri 'none'";
    expect(await headersOf('/session')).toEqual([...everywhere, ...ofScript, ...document, closed].sort());
  });

  it('CF-18, CF-19: the page are all, with its own policy', async () => {
    const headers = await headersOf('/', { accept: 'text/html' });
    expect(headers).toEqual(expect.arrayContaining([...everywhere, ...document, 'referrer-policy: same-origin']));
    expect(headers.filter((line) => line.startsWith('content-security-policy: '))).toEqual([
      expect.stringMatching(/^content-security-policy: default-src 'none';script-src 'self';/),
    ]);
    const names = headers.map((line) => line.slice(0, line.indexOf(':')));
    expect(new Set(names).size).toBe(names.length);
  });
});
