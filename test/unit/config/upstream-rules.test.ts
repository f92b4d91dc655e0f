/**
 * The block `upstreams` of the rules file, and the keys of a route beside it.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readRules } from '../../../src/config/rules-file.ts';
import { certificatePem, createCertificate, createTlsIdentity } from '../../support/hostile/certificate.ts';

const ours = createTlsIdentity('claimcheck', []);
const other = createTlsIdentity('other', []);
const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
const shortOwner = { commonName: 'short', privateKey: short.privateKey };
const disk: Readonly<Record<string, string>> = {
  'ca.pem': other.cert + ours.cert,
  'own.pem': ours.cert,
  'own.key': ours.key,
  'other.key': other.key,
  'short.pem': certificatePem(
    createCertificate({ commonName: 'short', publicKey: short.publicKey, signedBy: shortOwner }),
  ),
  'short.key': short.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'text.pem': 'SECRET-TEXT-OF-A-KEY',
};
const files = {
  readFile: (path: string) => {
    const text = disk[path];
    if (text === undefined) throw Object.assign(new Error('not there'), { code: 'ENOENT' });
    return text;
  },
};

function read(upstreams: readonly string[], route: readonly string[] = []) {
  const lines = ['routes:', '  - path: /api/orders', '    upstream: https://orders.internal:8443/v2'];
  lines.push(...route.map((line) => `    ${line}`), ...(upstreams.length > 0 ? ['upstreams:', ...upstreams] : []));
  return readRules(`${lines.join('\n')}\n`, { production: true, files });
}

const entry = (...lines: readonly string[]) => [
  '  - origin: https://orders.internal:8443',
  ...lines.map((line) => `    ${line}`),
];

function faultsOf(...parameters: Parameters<typeof read>): readonly string[] {
  const rules = read(...parameters);
  return 'faults' in rules ? rules.faults.map(({ place, sentence }) => `${place}: ${sentence}`) : [];
}

describe('upstreams of a rules file', () => {
  it('TL-03: say where one is reached, whom to believe and what to show', () => {
    const lines = [
      'addresses: [10.0.0.7, "10.0.0.8:9443", "[2001:db8::7]:8443", orders-b.internal]',
      'server_name: orders.internal',
    ];
    const rules = read(entry(...lines, 'ca_file: ca.pem', 'cert_file: own.pem', 'key_file: own.key'));
    const [upstream] = 'upstreams' in rules ? rules.upstreams : [];

    expect(upstream).toMatchObject({
      origin: 'https://orders.internal:8443',
      addresses: [
        { host: '10.0.0.7', port: 8443 },
        { host: '10.0.0.8', port: 9443 },
        { host: '2001:db8::7', port: 8443 },
        { host: 'orders-b.internal', port: 8443 },
      ],
      serverName: 'orders.internal',
      authorities: disk['ca.pem'],
      certificate: ours.cert,
    });
    expect(upstream?.key?.reveal()).toBe(ours.key);
    expect(JSON.stringify(upstream)).not.toContain('PRIVATE KEY');
  });

  it('are none where the file says nothing of them', () => {
    expect(read([])).toMatchObject({ upstreams: [] });
  });

  it.each([
    [
      'an origin that no route leads to',
      ['  - origin: https://payments.internal'],
      'upstreams[0].origin: is not the upstream of any route.',
    ],
    ['one that is there twice', [...entry(), ...entry()], 'upstreams[1].origin: is there twice.'],
    [
      'a path in the origin',
      ['  - origin: https://orders.internal:8443/v2'],
      'upstreams[0].origin: must be an origin such as https://orders.internal:8443, without a path.',
    ],
    [
      'a certificate without its key',
      entry('cert_file: own.pem'),
      'upstreams[0].key_file: is missing. Certificate and key are given together.',
    ],
    [
      'a key without its certificate',
      entry('key_file: own.key'),
      'upstreams[0].cert_file: is missing. Certificate and key are given together.',
    ],
    [
      'the key of another',
      entry('cert_file: own.pem', 'key_file: other.key'),
      'upstreams[0].key_file: must hold the key of the first certificate in cert_file.',
    ],
    [
      'a key too short for TLS',
      entry('cert_file: short.pem', 'key_file: short.key'),
      'upstreams[0].cert_file: holds a certificate that cannot be used for TLS (ERR_SSL_EE_KEY_TOO_SMALL).',
    ],
    [
      'a file that is not there',
      entry('ca_file: gone.pem'),
      'upstreams[0].ca_file: names the file gone.pem, which cannot be read (ENOENT).',
    ],
    [
      'a file that is no certificate',
      entry('ca_file: text.pem'),
      'upstreams[0].ca_file: must name a PEM file with certificates.',
    ],
    [
      'a file that is no key',
      entry('cert_file: own.pem', 'key_file: text.pem'),
      'upstreams[0].key_file: must name a PEM file with a private key without a passphrase.',
    ],
    [
      'an address with a path',
      entry('addresses: [10.0.0.7/x]'),
      'upstreams[0].addresses[0]: must be an address such as 10.0.0.7:8443, [2001:db8::7]:8443 or orders-a.internal.',
    ],
    ['no address', entry('addresses: []'), 'upstreams[0].addresses: must name at least one address.'],
    [
      'an address for a name',
      entry('server_name: 10.0.0.7'),
      'upstreams[0].server_name: must be the name in the certificate of the upstream, such as orders.internal.',
    ],
    [
      'a key that is not known',
      entry('cafile: ca.pem'),
      'upstreams[0]: has the key "cafile", which is not known. Did you mean ca_file?',
    ],
  ])('TL-07: are refused with %s', (_what, upstreams, fault) => {
    expect(faultsOf(upstreams)).toEqual([fault]);
  });

  it('TL-07: are refused with certificates for an upstream that speaks plain http', () => {
    const content =
      'routes:\n  - { path: /api, upstream: "http://127.0.0.1:1" }\nupstreams:\n  - { origin: "http://127.0.0.1:1", ca_file: ca.pem }\n';
    const rules = readRules(content, { production: true, files });

    expect(rules).toEqual({ faults: [{ place: 'upstreams[0].ca_file', sentence: 'needs an https origin.' }] });
  });
});

describe('a route', () => {
  it('CK-15, PX-20, PX-29: says what its upstream may do, and how slow a body may be', () => {
    const rules = read([], ['set_cookies: [theme]', 'cache: true', 'mask_errors: true', 'min_upload_rate: 1KB']);

    expect('routes' in rules ? rules.routes[0] : {}).toMatchObject({
      setCookies: ['theme'],
      cache: true,
      maskErrors: true,
      minUploadRate: 1024,
    });
  });

  it.each(['claimcheck', 'Claimcheck-login-x', '__Host-Http-claimcheck', '__Secure-x', 'a=b', 'a;b', ''])(
    'CK-15: cannot let its upstream set the cookie %j',
    (name) => {
      expect(faultsOf([], [`set_cookies: [${JSON.stringify(name)}]`])).toEqual([
        'routes[0].set_cookies[0]: must be the name of a cookie, none of ours and none that begins with two underscores.',
      ]);
    },
  );
});
