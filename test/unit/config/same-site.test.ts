/**
 * Which pages a SameSite=Strict cookie travels with.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { isProbablySameSite } from '../../../src/config/same-site.ts';
import { development, filesWith, outcomeOf, production } from './settings.ts';

describe('two origins', () => {
  it.each([
    ['are one', 'https://app.example', 'https://app.example', true],
    ['differ in the port alone', 'https://app.example:8443', 'https://app.example', true],
    ['are a host and one below it', 'https://admin.app.example', 'https://app.example', true],
    ['are a host and the one above it', 'https://example.com', 'https://app.example.com', true],
    ['are neighbours below one name', 'https://admin.example.com', 'https://app.example.com', true],
    ['are neighbours below a name in a country', 'https://a.shop.co.uk', 'https://b.shop.co.uk', true],
    ['differ in the scheme', 'http://app.example', 'https://app.example', false],
    ['are strangers', 'https://app.example', 'https://app.test', false],
    ['are neighbours below a suffix', 'https://one.example', 'https://two.example', false],
    ['are neighbours below the suffix of a country', 'https://one.co.uk', 'https://two.co.uk', false],
    ['are neighbours at a large host', 'https://one.github.io', 'https://two.github.io', false],
    ['end alike without a dot', 'https://myapp.example', 'https://app.example', false],
    ['are two addresses', 'http://127.0.0.1:4000', 'http://128.0.0.1', false],
    ['are a name and an address of this machine', 'http://127.0.0.1:4000', 'http://localhost:3000', false],
    ['are two ports of this machine', 'http://localhost:4000', 'http://localhost:3000', true],
  ])('that %s: %s and %s', (_name, left, right, answer) => {
    expect(isProbablySameSite(left, right)).toBe(answer);
    expect(isProbablySameSite(right, left)).toBe(answer);
  });
});

describe('an origin that may call', () => {
  const warningsOf = (env: Readonly<Record<string, string | undefined>>) => {
    const outcome = outcomeOf(env, filesWith());
    return 'warnings' in outcome
      ? outcome.warnings.filter((line) => line.startsWith('CORS_ALLOWED_ORIGINS'))
      : undefined;
  };

  it('is warned of when browsers will not send the cookie with its requests', () => {
    const text = 'https://admin.app.example,https://partner.test';

    expect(warningsOf({ ...production, CORS_ALLOWED_ORIGINS: text })).toEqual([
      'CORS_ALLOWED_ORIGINS: https://partner.test does not seem to be same-site with PUBLIC_URL; then browsers send no SameSite=Strict cookie with its requests.',
    ]);
  });

  it('is warned of in development too', () => {
    expect(warningsOf({ ...development, CORS_ALLOWED_ORIGINS: 'http://127.0.0.1:5173' })).toHaveLength(1);
    expect(warningsOf({ ...development, CORS_ALLOWED_ORIGINS: 'http://localhost:5173' })).toEqual([]);
  });
});
