/**
 * One request as a browser or a stranger would make it: nothing is followed, and
 * whatever goes wrong is named by the code that Node gives it.
 *
 * @module
 */

import { get as getInClear, type IncomingMessage } from 'node:http';
import { get as getByTls } from 'node:https';
import type { Clock } from '../../base/clock.ts';

/** What came back. */
export interface Asked {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** At most 256 KiB of it; the rest is not read. */
  readonly body: string;
}

/** No answer, by the code of the failure: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, `timeout` … */
export interface NoAnswer {
  readonly failure: string;
}

/** How to ask. */
export interface AskOptions {
  readonly clock: Clock;
  /** For the whole answer, ms. */
  readonly limitMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const mostBytes = 256 * 1024;

/** Asks. Does not throw; `url` must be http or https. */
export function ask(url: URL, { clock, limitMs, headers = {} }: AskOptions): Promise<Asked | NoAnswer> {
  const get = url.protocol === 'https:' ? getByTls : getInClear;
  return new Promise((resolve) => {
    const request = get(
      url,
      { agent: false, headers: { 'user-agent': 'claimcheck-doctor', ...headers } },
      (response) => {
        collect(response).then(settle, (error: unknown) => settle({ failure: codeOf(error) }));
      },
    );
    const cancel = clock.after(limitMs, () => settle({ failure: 'timeout' }));
    const settle = (answer: Asked | NoAnswer) => {
      cancel();
      resolve(answer);
      request.destroy();
    };
    request.on('error', (error) => settle({ failure: codeOf(error) }));
  });
}

async function collect(response: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // no encoding is set, so these are bytes
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostBytes) break;
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no connection';
}

const authorityCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What to do about a failure, in a few words for the operator. */
export function adviceFor(failure: string): string {
  if (authorityCodes.has(failure)) {
    return `its certificate is of an unknown CA (${failure}): put that CA's certificate into a file and name it in NODE_EXTRA_CA_CERTS`;
  }
  if (failure === 'CERT_HAS_EXPIRED') return 'its certificate has expired: renew it';
  if (failure === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet: compare the clocks of both machines';
  if (failure === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name: use the name it is for';
  if (failure === 'ENOTFOUND' || failure === 'EAI_AGAIN')
    return `its name is not known here (${failure}): check the spelling and DNS`;
  if (failure === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED): check host and port, and that it runs';
  if (failure === 'timeout') return 'it did not answer in time: check firewalls and routes between both machines';
  if (failure === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'it does not speak TLS there: use the port that does';
  return `no answer could be had (${failure})`;
}
