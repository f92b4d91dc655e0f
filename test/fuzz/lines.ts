/**
 * Random lines of a request: cookies and headers, as attackers and broken clients
 * send them.
 *
 * @module
 */

import fc from 'fast-check';

/** One character for a byte, any of them. */
export const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
/** Bytes that stay on their line. */
export const noise = (maxLength: number) =>
  fc.string({ unit: byte, maxLength }).map((text) => text.replace(/[\r\n]/g, ''));

/** Names and values around ours, in every bad form we could think of. */
const cookiePair = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'claimcheck',
        'Claimcheck',
        'claimcheck ',
        ' claimcheck',
        'claimcheck-login-AAAAAAAA',
        'claimcheck-starts',
        '__proto__',
        'constructor',
        'connect.sid',
        '__Host-Http-claimcheck',
        '',
        '"claimcheck"',
      ),
      fc.oneof(
        fc.constantFrom(
          '',
          '=',
          '"',
          '%',
          '%zz',
          's%3A',
          's:',
          's%3Aa.b',
          'j:{"a":1}',
          'null',
          '\u0000',
          'é',
          ';',
          '"s%3Aa.b"',
          'undefined',
        ),
        noise(60),
        fc.stringMatching(/^[A-Za-z0-9_-]{43}\.[A-Za-z0-9%+/]{43}$/).map((text) => `s%3A${text}`),
        fc.constantFrom(4_000, 8_000).map((length) => 'a'.repeat(length)),
      ),
    )
    .map((parts) => parts.join('=')),
  noise(40),
  fc.constantFrom(';', '; ;', '=', ',', '$Version=1', 'a', 'a=b=c'),
);

/** What may stand in a `Cookie` header; never a cookie of ours that is good. */
export const cookieHeader = fc.oneof(
  { weight: 4, arbitrary: fc.array(cookiePair, { maxLength: 6 }).map((pairs) => pairs.join('; ')) },
  { weight: 2, arbitrary: noise(200) },
  {
    weight: 1,
    arbitrary: fc.array(cookiePair, { minLength: 200, maxLength: 200 }).map((pairs) => pairs.join(';').slice(0, 9_000)),
  },
);

const headerNames = [
  ...[
    'X-Forwarded-User',
    'X-Forwarded-Uri',
    'X-Forwarded-Prefix',
    'X-Forwarded-Method',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
  ],
  ...[
    'X-Forwarded-For',
    'X-Forwarded-Email',
    'X-Forwarded-Groups',
    'X-Forwarded-Access-Token',
    'Forwarded',
    'Via',
    'X-Real-IP',
  ],
  ...[
    'X-Original-URL',
    'X-Original-URI',
    'X-Rewrite-URL',
    'X-Original-Method',
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
  ],
  ...[
    'X-Middleware-Subrequest',
    'X-Middleware-Rewrite',
    'X-Middleware-Next',
    'X-Internal',
    'X-Invoke-Path',
    'X-Debug',
    'X-Test',
  ],
  ...[
    'X-Envoy-Original-Path',
    'X-Envoy-Internal',
    'X-Accel-Redirect',
    'X-Sendfile',
    'X-Original-Host',
    'X-Host',
    'X-Backend',
  ],
  ...[
    'Authorization',
    'Proxy-Authorization',
    'X-Auth-User',
    'X-Auth-Request-User',
    'X-Auth-Request-Email',
    'X-Remote-User',
    'Remote-User',
  ],
  ...[
    'X-User',
    'X-User-Id',
    'X-User-Role',
    'X-Admin',
    'X-Role',
    'X-Session-Id',
    'X-Api-Key',
    'X-Access-Token',
    'X-Authenticated',
  ],
  ...[
    'X_Forwarded_User',
    'x.user',
    'X-CSRF',
    'X-CSRF-Token',
    'Sec-Fetch-Site',
    'Sec-Fetch-Mode',
    'Sec-Fetch-Dest',
    'Origin',
    'Referer',
  ],
  ...[
    'Purpose',
    'Sec-Purpose',
    'X-Requested-With',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Upgrade-Insecure-Requests',
  ],
  ...[
    'Expect',
    'Max-Forwards',
    'Cache-Control',
    'If-None-Match',
    'Range',
    'Accept',
    'Content-Type',
    'Content-Encoding',
    'Host',
    'DPoP',
  ],
  ...[
    'X-SSL-Client-Verify',
    'X-Client-Cert',
    'X-Cluster-Client-Ip',
    'True-Client-IP',
    'CF-Connecting-IP',
    'Traceparent',
    'Cookie2',
  ],
];
const headerValues = [
  ...[
    '/',
    '/api/public',
    '/healthz',
    '/session',
    'admin',
    'true',
    '1',
    '0',
    'none',
    'same-origin',
    'same-site',
    'navigate',
    'empty',
  ],
  ...[
    'localhost',
    '127.0.0.1',
    '10.0.0.1',
    '::1',
    'https',
    'http',
    'Bearer x',
    'Basic YTph',
    'GET',
    'POST',
    'OPTIONS',
    'prefetch',
  ],
  ...[
    'for=127.0.0.1;proto=https;host=localhost',
    'src/middleware',
    'close',
    'keep-alive, authorization',
    'websocket',
    'trailers',
  ],
  ...['100-continue', 'SUCCESS', 'text/html', 'application/json', '*', 'null', 'http://localhost', ''],
];
const headerName = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...headerNames) },
  { weight: 1, arbitrary: fc.constantFrom(...headerNames).map((name) => name.replaceAll('-', '_')) },
  { weight: 1, arbitrary: fc.constantFrom(...headerNames).map((name) => name.toLowerCase()) },
  { weight: 1, arbitrary: fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/) },
);
/** One line of a header: names that some system somewhere believes, and noise. */
export const headerLine = fc
  .tuple(headerName, fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...headerValues) }, noise(30)))
  .map((pair) => pair.join(': '));
/** Some of them, no more than leave many sets that are well-formed. */
export const headerSet = fc.array(headerLine, { maxLength: 5 });
