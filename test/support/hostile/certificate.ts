/**
 * X.509 certificates by hand: for https on 127.0.0.1, for client certificates
 * (RFC 8705), and for the `x5c` and `x5u` headers of an attacker.
 *
 * Just enough DER for that (RFC 5280). Not a certificate authority: no
 * revocation, no path lengths, serial numbers at random.
 *
 * @module
 */

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** Who signs a certificate. */
export interface Signer {
  readonly commonName: string;
  readonly privateKey: KeyObject;
}

/** What a certificate says. */
export interface CertificateOptions {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  /** Who signs: the holder itself for a self-signed one. RSA, P-256 or Ed25519. */
  readonly signedBy: Signer;
  /** DNS names and IPv4 addresses it is good for. */
  readonly names?: readonly string[] | undefined;
  /** From when to when, in ms; by default from yesterday for ten years. */
  readonly notBefore?: number | undefined;
  readonly notAfter?: number | undefined;
}

const dayMs = 86_400_000;
const oids = { commonName: '550403', basicConstraints: '551d13', subjectAltName: '551d11' } as const;
const signatureOids: Readonly<Record<string, string>> = {
  rsa: '06092a864886f70d01010b0500',
  ec: '06082a8648ce3d040302',
  ed25519: '06032b6570',
};

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = Buffer.from(body.length.toString(16).padStart(body.length > 255 ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body]);
}

const sequence = (...contents: readonly Uint8Array[]) => der(0x30, ...contents);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(oids.commonName), der(0x0c, Buffer.from(commonName)))));
}

function timeOf(ms: number): Buffer {
  // UTCTime: good until 2049 (RFC 5280, section 4.1.2.5), which the ten years by default stay within.
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replaceAll(/\D/g, '').slice(2, 14)}Z`));
}

function alternativeName(name: string): Buffer {
  const address = name.split('.').map(Number);
  const isAddress = address.length === 4 && address.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256);
  return isAddress ? der(0x87, Buffer.from(address)) : der(0x82, Buffer.from(name));
}

function extensionsOf(names: readonly string[]): Buffer {
  const constraints = sequence(der(0x01, Buffer.from([0xff])));
  const all = [sequence(oid(oids.basicConstraints), der(0x01, Buffer.from([0xff])), der(0x04, constraints))];
  if (names.length > 0) {
    all.push(sequence(oid(oids.subjectAltName), der(0x04, sequence(...names.map(alternativeName)))));
  }
  return der(0xa3, sequence(...all));
}

/** The certificate as DER. */
export function createCertificate(options: CertificateOptions): Buffer {
  const { commonName, publicKey, signedBy, names = [] } = options;
  const { notBefore = Date.now() - dayMs, notAfter = Date.now() + 3_650 * dayMs } = options;
  const kind = signedBy.privateKey.asymmetricKeyType ?? '';
  const signature = signatureOids[kind];
  if (signature === undefined) throw new Error(`cannot sign a certificate with a key of type ${kind}`);
  const algorithm = sequence(Buffer.from(signature, 'hex'));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(signedBy.commonName),
    sequence(timeOf(notBefore), timeOf(notAfter)),
    nameOf(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensionsOf(names),
  );
  const signed = sign(kind === 'ed25519' ? null : 'sha256', body, signedBy.privateKey);
  return sequence(body, algorithm, der(0x03, Buffer.from([0]), signed));
}

/** DER as PEM text. */
export function certificatePem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** SHA-256 of a certificate, base64url: the `x5t#S256` of RFC 8705, section 3.1. */
export function certificateThumbprint(certificate: Uint8Array): string {
  return createHash('sha256').update(certificate).digest('base64url');
}

/** A certificate with its key, both PEM, as node:tls wants them. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
  /** `x5t#S256` of the certificate. */
  readonly thumbprint: string;
}

/**
 * A fresh P-256 key with a self-signed certificate for `localhost` and
 * `127.0.0.1`, or for the given names. The certificate is its own authority, so
 * it can be handed to a client as `ca`.
 */
export function createTlsIdentity(
  commonName = 'localhost',
  names: readonly string[] = ['localhost', '127.0.0.1'],
): TlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = createCertificate({ commonName, publicKey, signedBy: { commonName, privateKey }, names });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: certificatePem(certificate),
    thumbprint: certificateThumbprint(certificate),
  };
}
