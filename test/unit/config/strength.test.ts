/**
 * Which keys and secrets stop the start, and which do not.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExampleSecret, isRandomKey } from '../../../src/config/strength.ts';
import {
  certificatePair,
  edwardsPem,
  ellipticPem,
  faultsOf,
  filesWith,
  keyOf,
  production,
  rsaPem,
} from './settings.ts';

const withSecrets = (text: string) => faultsOf({ ...production, SESSION_SECRETS: text });
const bytes = fc.uint8Array({ minLength: 32, maxLength: 64 }).filter((all) => new Set(all).size > 20);

describe('SESSION_SECRETS', () => {
  it('CA-13: takes whatever the command of its documentation makes', () => {
    // openssl rand -base64 32 | tr '+/' '-_' | tr -d =
    const made = () => randomBytes(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const refused = Array.from({ length: 5000 }, made).filter((key) => !isRandomKey(key));

    expect(refused).toEqual([]);
  });

  it.each(['base64url', 'hex'] as const)('CA-13: takes random bytes as %s', (form) => {
    fc.assert(
      fc.property(fc.constant(form), () => {
        const key = randomBytes(32).toString(form);
        expect(withSecrets(key)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('CA-13: refuses what has less than 32 bytes, however random', () => {
    const refusals = [16, 24, 30, 31].map((size) => withSecrets(keyOf(size)));

    expect(refusals.map((faults) => faults.length)).toEqual([1, 1, 1, 1]);
    expect(withSecrets(randomBytes(31).toString('hex'))).toHaveLength(1);
    expect(withSecrets(keyOf(32))).toEqual([]);
  });

  it.each([
    ['a word', 'changeme'],
    ['a sentence', 'this-is-my-super-secret-session-key-for-claimcheck-2026'],
    ['a word beside chance', `Secret${keyOf(32)}`],
    ['zero bytes', Buffer.alloc(32).toString('base64url')],
    ['bytes that are all alike', Buffer.alloc(32, 7).toString('base64url')],
    ['bytes that count up', Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64url')],
    ['bytes that count down', Buffer.from(Array.from({ length: 32 }, (_, at) => 255 - at)).toString('base64url')],
    ['bytes that repeat', Buffer.alloc(40, randomBytes(4)).toString('base64url')],
    ['a shorter key twice', keyOf(24).repeat(2)],
    ['digits that count up', '0123456789'.repeat(5)],
    ['hexadecimal digits that count up', '0123456789abcdef'.repeat(4)],
    ['one letter', 'a'.repeat(64)],
    ['the letters of a keyboard', 'QwertyuiopAsdfghjklZxcvbnmQwertyuiopAsdfghjklZxcvbnm'],
    ['standard base64 with its signs', `${keyOf(32).slice(0, 40)}+/=`],
    ['a good key in quotes', `"${keyOf(32)}"`],
    ['a good key and nothing', `${keyOf(32)},`],
    ['a good key and a bad one', `${keyOf(32)},changeme`],
  ])('CA-13: refuses %s', (_name, text) => {
    expect(withSecrets(text)).toHaveLength(1);
    expect(withSecrets(`${keyOf()},${keyOf()}`)).toEqual([]);
  });

  it('CA-13: refuses the same key twice', () => {
    const key = keyOf();

    expect(withSecrets(`${key},${key}`)).toHaveLength(1);
    expect(withSecrets(`${key}, ${keyOf()}`)).toEqual([]);
  });

  it.each([
    ['the client secret', (key: string) => ({ CLIENT_SECRET: key })],
    ['the password of Redis', (key: string) => ({ REDIS_URL: `rediss://u:${key}@redis.internal` })],
  ])('CA-12: refuses an entry that is %s too', (_name, elsewhere) => {
    const [key, other] = [keyOf(), keyOf()];
    const withKeys = (text: string) => faultsOf({ ...production, ...elsewhere(key), SESSION_SECRETS: text });

    expect(withKeys(`${other},${key}`)).toEqual([
      'SESSION_SECRETS: must not be CLIENT_SECRET or the password of REDIS_URL: each key has one purpose.',
    ]);
    expect(withKeys(other)).toEqual([]);
  });

  it('CA-13: refuses every byte string that repeats itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), bytes, (period, all) => {
        const repeated = Buffer.alloc(48, Buffer.from(all.subarray(0, period)));
        expect(isRandomKey(repeated.toString('base64url'))).toBe(false);
        expect(isRandomKey(repeated.toString('hex'))).toBe(false);
      }),
    );
  });
});

describe('a secret out of an example', () => {
  it.each([
    ...[
      'changeme',
      'Change-Me',
      'CHANGE_ME',
      'changeme123',
      'secret',
      'my-secret',
      'password',
      'example-secret',
      'test',
    ],
    ...[
      '<your client secret>',
      'your-client-secret',
      'YOUR_SECRET_HERE',
      'insert-secret-here',
      'xxxxxxxx',
      'XXXX',
      'foobared',
      '…',
      '***',
    ],
  ])('CA-13: is %j', (text) => {
    expect(isExampleSecret(text)).toBe(true);
  });

  it.each([
    ...[
      'Zx4-kd93Kl2_aQ',
      'secretly-random-3f9a8c',
      'test-3f9a8c7b6d5e',
      'passwordless-3f9a',
      'a:b+c%26/=-and-long-enough-for-a-secret',
    ],
    ...['yovr-3f9a8c7b', '~8Q~w3kT0.4mVx'],
  ])('CA-13: is not %j', (text) => {
    expect(isExampleSecret(text)).toBe(false);
  });

  it('CA-13: is hardly ever one by chance', () => {
    const found = Array.from({ length: 5000 }, () => keyOf(16)).filter(isExampleSecret);

    expect(found).toEqual([]);
  });

  it('CA-13: stops the start in production and not on this machine', () => {
    expect(faultsOf({ ...production, CLIENT_SECRET: 'changeme' })).toHaveLength(1);
    expect(faultsOf({ ...production, CLIENT_SECRET: 'changeme', PUBLIC_URL: 'http://localhost:3000' })).toEqual([]);
  });
});

describe('CLIENT_KEY_FILE', () => {
  const withKey = (pem: string) =>
    faultsOf(
      { ...production, CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: '/run/key.pem' },
      filesWith({ '/run/key.pem': pem }),
    );

  it.each([
    ['P-256', () => ellipticPem('prime256v1')],
    ['Ed25519', edwardsPem],
    ['RSA of 2048 bits', () => rsaPem(2048)],
  ])('CA-02, CA-13: can hold %s', (_name, make) => {
    expect(withKey(make())).toEqual([]);
  });

  it.each([
    ['RSA of 1024 bits', () => rsaPem(1024)],
    ['P-192', () => ellipticPem('prime192v1')],
    ['the curve of Bitcoin', () => ellipticPem('secp256k1')],
    ['P-384, which nothing of ours signs with', () => ellipticPem('secp384r1')],
  ])('CA-13: cannot hold %s', (_name, make) => {
    expect(withKey(make())).toEqual([
      'CLIENT_KEY_FILE: must hold an Ed25519 key, a P-256 key, or an RSA key of 2048 bits or more.',
    ]);
  });

  it('CA-13: cannot hold a certificate, a public half or nothing', () => {
    const refusals = [certificatePair().certificate, 'MIIB', ''].map((text) => withKey(text).length);

    expect(refusals).toEqual([1, 1, 1]);
  });
});

describe('TLS_KEY_FILE', () => {
  const withPair = ({ certificate, key }: ReturnType<typeof certificatePair>) =>
    faultsOf(
      { ...production, TLS_CERT_FILE: '/run/cert.pem', TLS_KEY_FILE: '/run/key.pem' },
      filesWith({ '/run/cert.pem': certificate, '/run/key.pem': key }),
    );

  it('CA-13: holds a key that is strong enough', () => {
    expect(withPair(certificatePair())).toEqual([]);
    expect(withPair(certificatePair(2048))).toEqual([]);
    expect(withPair(certificatePair(1024))).toHaveLength(1);
  });

  it('CA-13: belongs to its certificate', () => {
    expect(withPair({ ...certificatePair(), key: ellipticPem('prime256v1') })).toHaveLength(1);
  });
});
