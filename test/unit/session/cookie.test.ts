import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomToken } from '../../../src/base/random.ts';
import { Secret } from '../../../src/base/secret.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { KeyRing } from '../../../src/keys/key-ring.ts';
import { isSessionSecret, SessionCookie } from '../../../src/session/cookie.ts';

// The packages that express-session itself signs and writes with.
const fromExpressSession = createRequire(createRequire(import.meta.url).resolve('express-session'));
const signature: {
  sign(value: string, key: string): string;
  unsign(value: string, key: string): string | false;
} = fromExpressSession('cookie-signature');
const cookies: {
  serialize(name: string, value: string, options: object): string;
  parse(header: string): Record<string, string>;
} = fromExpressSession('cookie');

const secretOf = () => new Secret(randomBytes(32).toString('base64url'));
const [oldest, newest] = [secretOf(), secretOf()];
const frontendAt = (publicUrl: string, id = 'main') =>
  createFrontend({ id, publicUrl, authBasePath: '', trustedOrigins: [] });
const frontend = frontendAt('https://app.example');
const cookieOf = (secrets: readonly Secret[], at = frontend) =>
  new SessionCookie({ frontend: at, keys: new KeyRing({ secrets, frontendId: at.id }) });
const keyOf = (secret: Secret) => new KeyRing({ secrets: [secret], frontendId: 'main' }).active.cookie;
const theirValue = (secret: string, key: string) => encodeURIComponent(`s:${signature.sign(secret, key)}`);

describe('the session cookie', () => {
  it('TS-02: is byte for byte what express-session makes, and is understood by it', () => {
    const cookie = cookieOf([newest]);
    const key = keyOf(newest);
    const wrong = Array.from({ length: 500 }, () => randomToken(256)).filter((secret) => {
      const value = cookie.valueFor(secret);
      const parsed = cookies.parse(`a=b; x=${value}`)['x'] ?? '';
      return value !== theirValue(secret, key) || signature.unsign(parsed.slice(2), key) !== secret;
    });

    expect(wrong).toEqual([]);
    const secret = randomToken(256);
    expect(cookie.verify(theirValue(secret, key))).toEqual({ secret, isCurrent: true });
  });

  it.each([
    ['https://app.example', { secure: true }],
    ['http://localhost:3000', { secure: false }],
  ])('CK-01, CK-02, CK-14: has the attributes that express-session writes, at %s', (publicUrl, { secure }) => {
    const at = frontendAt(publicUrl);
    const secret = randomToken(256);
    const options = { path: '/', httpOnly: true, secure, sameSite: 'strict' };

    const issued = cookieOf([newest], at).issue(secret);

    expect(issued).toBe(cookies.serialize(at.cookies.session, `s:${signature.sign(secret, keyOf(newest))}`, options));
  });

  it('CK-12: is deleted with the attributes it was set with', () => {
    const secret = randomToken(256);
    const attributesOf = (field: string) =>
      field
        .split('; ')
        .slice(1)
        .filter((each) => !each.startsWith('Expires='));

    const removed = cookieOf([newest]).remove();

    expect(removed).toBe(
      '__Host-Http-claimcheck=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Strict',
    );
    expect(attributesOf(removed)).toEqual(attributesOf(cookieOf([newest]).issue(secret)));
  });

  it('CK-10: is verified by every key and signed by the first', () => {
    const secret = randomToken(256);
    const old = cookieOf([oldest]).valueFor(secret);

    expect(cookieOf([newest, oldest]).verify(old)).toEqual({ secret, isCurrent: false });
    expect(cookieOf([newest, oldest]).verify(cookieOf([newest]).valueFor(secret))).toEqual({ secret, isCurrent: true });
    expect(cookieOf([newest]).verify(old)).toBeUndefined();
  });

  it("CK-10: of a key that was taken out is nobody's, 10 000 times", () => {
    const [before, after] = [cookieOf([oldest]), cookieOf([newest])];
    const olds = Array.from({ length: 10_000 }, () => before.valueFor(randomToken(256)));

    expect(olds.filter((old) => after.verify(old) !== undefined)).toEqual([]);
    expect(olds.filter((old) => before.verify(old) === undefined)).toEqual([]);
  });

  it('SE-16: of one frontend is nothing at another with the same secrets', () => {
    const value = cookieOf([newest]).valueFor(randomToken(256));

    expect(cookieOf([newest], frontendAt('https://b.example', 'b')).verify(value)).toBeUndefined();
    expect(cookieOf([newest]).verify(value)).toBeDefined();
  });

  const good = randomToken(256);
  const goodValue = cookieOf([newest]).valueFor(good);
  const signedText = (text: string) => theirValue(text, keyOf(newest));
  it.each([
    ['no value', undefined],
    ['an empty one', ''],
    ['the secret without a signature', good],
    ['an empty signature', `s%3A${good}.`],
    ['the secret of another', goodValue.replace(good, randomToken(256))],
    ['a signature cut short', goodValue.slice(0, -1)],
    ['a signature with more behind it', `${goodValue}A`],
    ['padding', `${goodValue}%3D`],
    ['quotes around it', `"${goodValue}"`],
    ['another spelling of the colon', goodValue.replace('s%3A', 's%3a')],
    ['the colon in clear', goodValue.replace('s%3A', 's:')],
    ['a space before it', ` ${goodValue}`],
    ['a signed secret that is too short', signedText(good.slice(1))],
    ['a signed secret that is too long', signedText(`${good}A`)],
    ['a signed secret of other characters', signedText(`${good.slice(1)}+`)],
    ['a signed secret with a mark that needs no encoding', signedText(`${good.slice(1)}~`)],
    ['a signed secret of non-ASCII', signedText(`${good.slice(1)}é`)],
    ['a signed empty text', signedText('')],
    ['a name of objects', '__proto__'],
    ['8 KiB', `s%3A${'A'.repeat(8192)}`],
    ['zeros', `s%3A${good}.${'A'.repeat(43)}`],
  ])("CK-08, CK-09: is nobody's with %s", (_case, value) => {
    expect(cookieOf([newest]).verify(value)).toBeUndefined();
    expect(cookieOf([newest]).verify(goodValue)).toEqual({ secret: good, isCurrent: true });
  });

  it('CK-09: never throws, whatever is sent', () => {
    const cookie = cookieOf([newest, oldest]);

    // Node reads headers as Latin-1.
    const text = fc.uint8Array({ maxLength: 250 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const anything = fc.oneof(
      text,
      text.map((end) => `s%3A${end}`),
    );
    fc.assert(fc.property(anything, (value) => cookie.verify(value) === undefined));
    expect(cookie.verify(goodValue)).toBeDefined();
  });

  it('CK-09: refuses every value that differs in one place', () => {
    const cookie = cookieOf([newest]);
    const accepted = [...goodValue]
      .map(
        (character, place) => goodValue.slice(0, place) + (character === 'A' ? 'B' : 'A') + goodValue.slice(place + 1),
      )
      .filter((value) => cookie.verify(value) !== undefined);

    expect(accepted).toEqual([]);
    expect(cookie.verify(goodValue)).toBeDefined();
  });
});

describe('a session secret', () => {
  it('TS-02: is 256 random bits, never the same twice, without a bias', () => {
    const secrets = Array.from({ length: 100_000 }, () => randomToken(256));
    const ones = secrets
      .slice(0, 10_000)
      .map((secret) =>
        BigInt(`0x${Buffer.from(secret, 'base64url').toString('hex')}`)
          .toString(2)
          .replaceAll('0', ''),
      )
      .join('').length;

    expect(new Set(secrets).size).toBe(100_000);
    expect(secrets.every(isSessionSecret)).toBe(true);
    // 2.56 million fair bits: five standard deviations are 4 000.
    expect(Math.abs(ones - 1_280_000)).toBeLessThan(4_000);
  });
});
