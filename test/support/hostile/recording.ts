/**
 * Takes a request in: which endpoint it is for, what it says, and the entry in
 * the log.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { certificateThumbprint } from './certificate.ts';
import type { Endpoint, Recording } from './log.ts';
import { endpointPaths } from './metadata.ts';
import type { ProviderState } from './state.ts';

function endpointOf(
  path: string,
  { issuerPath, grantType }: { issuerPath: string; grantType: string | undefined },
): Endpoint {
  const own = path.startsWith(`${issuerPath}/`) ? path.slice(issuerPath.length) : path;
  const isMetadata =
    own === '/.well-known/openid-configuration' || path === `/.well-known/oauth-authorization-server${issuerPath}`;
  if (isMetadata) return 'metadata';
  const plain = own.replace(/^\/mtls(?=\/)/, '');
  const [name] = Object.entries(endpointPaths).find(([, each]) => each === plain) ?? [];
  if (name === 'token' && grantType === 'refresh_token') return 'refresh';
  // `as`: the names of endpointPaths are names of endpoints.
  return (name as Endpoint | undefined) ?? 'unknown';
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
  } catch (error) {
    // A client that left in the middle of its request: what came is logged. Anything else is a fault of ours.
    if (request.complete) throw error;
  }
  return Buffer.concat(chunks).toString();
}

function thumbprintOfPeer({ socket }: IncomingMessage): string | undefined {
  const raw = socket instanceof TLSSocket ? socket.getPeerCertificate().raw : undefined;
  return raw ? certificateThumbprint(raw) : undefined;
}

function repeatedNames(...sets: readonly URLSearchParams[]): readonly string[] {
  return sets.flatMap((set) => [...new Set(set.keys())].filter((name) => set.getAll(name).length > 1));
}

/** Reads a request whole and puts it into the log. */
export async function recordRequest(incoming: IncomingMessage, state: ProviderState): Promise<Recording> {
  const receivedAt = Date.now();
  const rawBody = await textOf(incoming);
  const { method = '', url = '', headers, rawHeaders } = incoming;
  const [path = '', search = ''] = url.split(/\?(.*)/s);
  const isForm = /^application\/x-www-form-urlencoded/i.test(headers['content-type'] ?? '');
  const query = new URLSearchParams(search);
  const form = new URLSearchParams(isForm ? rawBody : '');
  const issuerPath = new URL(state.issuer).pathname.replace(/\/$/, '');
  const endpoint = endpointOf(path, { issuerPath, grantType: form.get('grant_type') ?? undefined });
  const recording: Recording = {
    ...{ endpoint, method, url, headers, rawHeaders, rawBody, receivedAt },
    byAlias: path.startsWith(`${issuerPath}/mtls/`),
    query: Object.fromEntries(query),
    body: Object.fromEntries(form),
    repeated: repeatedNames(query, form),
    nth: state.log.filter((each) => each.endpoint === endpoint).length + 1,
    auth: undefined,
    dpop: undefined,
    certificate: thumbprintOfPeer(incoming),
    cut: false,
  };
  state.log.push(recording);
  return recording;
}
