/**
 * One request by hand, for what a browser would not send.
 *
 * @module
 */

import { request } from 'node:http';

/** A request with exactly these headers beside `Host`. */
export function rawRequest(
  port: number,
  path: string,
  {
    method = 'GET',
    headers = {},
  }: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { Host: `localhost:${port}`, ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(Buffer.from(chunk));
      const head = Array.from({ length: response.rawHeaders.length / 2 }, (_, index) =>
        response.rawHeaders.slice(2 * index, 2 * index + 2).join(': '),
      );
      resolve({ status: response.statusCode ?? 0, head: head.join('\n'), body: Buffer.concat(chunks).toString() });
    });
    outgoing.end();
  });
}
