/**
 * Looks for a secret in bytes: as it stands, and in the forms it may hide in.
 *
 * Compressed or encrypted bytes hide it all the same; the tests that search ask
 * for neither.
 *
 * @module
 */

/** Do the bytes hold the text: plain, percent-encoded, in hex, or in base64 at any offset? */
export function holdsSecret(bytes: Buffer, secret: string): boolean {
  if (secret.length < 8) throw new Error('too short to be searched for: it would be found by chance');
  return formsOf(secret).some((form) => bytes.includes(form));
}

/** The forms that are searched for. */
export function formsOf(secret: string): readonly string[] {
  const hex = Buffer.from(secret).toString('hex');
  const base64 = [0, 1, 2].flatMap((shift) => {
    const standard = base64Core(secret, shift);
    return [standard, standard.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [secret, encodeURIComponent(secret), hex, hex.toUpperCase(), ...base64];
}

/** What base64 makes of the text when `shift` other bytes stand before it, less the characters that depend on the neighbours. */
function base64Core(secret: string, shift: number): string {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
  const first = Math.ceil((shift * 8) / 6);
  return bytes.toString('base64').slice(first, Math.floor((bytes.length * 8) / 6));
}
