/**
 * The requests of the callers, byte for byte as a page's script sends them.
 *
 * @module
 */

import type { Caller } from './sign-in.ts';

/** One kind of call. */
export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly bodyBytes?: number;
}

/** A request for each caller. */
export function requestsFor(call: Call, { port, callers }: { port: number; callers: readonly Caller[] }): string[] {
  const origin = `http://localhost:${port}`;
  return callers.map(({ cookie, csrfToken }) => {
    const body = call.bodyBytes === undefined ? '' : 'b'.repeat(call.bodyBytes);
    const forBody =
      call.method === 'GET'
        ? []
        : [
            `Origin: ${origin}`,
            'Content-Type: application/json',
            `Content-Length: ${body.length}`,
            `X-CSRF-Token: ${csrfToken}`,
          ];
    const lines = [
      `${call.method} ${call.path} HTTP/1.1`,
      `Host: localhost:${port}`,
      'Connection: keep-alive',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
      'Accept: application/json',
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-Mode: cors',
      'Sec-Fetch-Dest: empty',
      `Referer: ${origin}/`,
      'Accept-Encoding: gzip, deflate, br',
      'Accept-Language: en-GB,en;q=0.9',
      `Cookie: ${cookie}`,
      ...forBody,
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  });
}
