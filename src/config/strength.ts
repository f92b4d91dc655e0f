/**
 * Tells keys and secrets that were made by chance from those that a person wrote
 * or copied from an example. It can only see what is surely bad.
 *
 * @module
 */

/** Words that hardly any random text holds. A word in letters of hexadecimal digits would be there too often. */
const typed = /changeme|change-me|change_me|secret|password|example|default|insecure|qwerty|ghijkl|0123456|1234567/i;

/**
 * Whether a text can be 32 random bytes or more in base64url, or in hexadecimal.
 *
 * Refuses what is too short, what counts up or repeats itself, and words. A key
 * by chance is refused less than once in a million.
 */
export function isRandomKey(text: string): boolean {
  const isHex = /^(?:[0-9a-f]{2}){32,}$/.test(text) || /^(?:[0-9A-F]{2}){32,}$/.test(text);
  const isBase64url = /^[A-Za-z0-9_-]{43,}={0,2}$/.test(text) && /[A-Z]/.test(text) && /[a-z]/.test(text);
  if ((!isHex && !isBase64url) || typed.test(text) || isRepeating(text)) return false;
  const bytes = Buffer.from(text, isHex ? 'hex' : 'base64url');
  return bytes.length >= 32 && stepsOf(bytes) >= 16;
}

/** Different distances between neighbours: 1 for bytes that are all alike or count up, about 29 in 32 random bytes. */
function stepsOf(bytes: Buffer): number {
  const steps = new Set<number>();
  for (let at = 1; at < bytes.length; at += 1) steps.add(((bytes[at] ?? 0) - (bytes[at - 1] ?? 0) + 256) % 256);
  return steps.size;
}

// Two random letters are the same once in 64 times, two of a text that repeats itself nearly always.
function isRepeating(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period += 1) {
    let same = 0;
    for (let at = period; at < text.length; at += 1) if (text[at] === text[at - period]) same += 1;
    if (same > 0.8 * (text.length - period)) return true;
  }
  return false;
}

const examples: ReadonlySet<string> = new Set([
  ...['', 'admin', 'changeit', 'clientsecret', 'claimcheck', 'default', 'demo', 'example', 'examplesecret', 'foobared'],
  ...['givenbyyourprovider', 'mysecret', 'password', 'redis', 'secret', 'supersecret', 'test', 'topsecret'],
]);

/** Whether a secret is one of those that stand in examples and in nobody's hands. */
export function isExampleSecret(text: string): boolean {
  const letters = text.toLowerCase().replace(/[^a-z0-9]/g, '');
  return (
    examples.has(letters) ||
    /^(?:changeme|replaceme|(?:insert)?(?:your)?(?:own|client|secret|password)(?:$|id|secret|here)|x+$)/.test(
      letters,
    ) ||
    /^<.*>$/.test(text)
  );
}
