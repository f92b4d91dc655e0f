/**
 * The session cookie: one secret, signed.
 *
 * express-session writes it at sign-in; this module reads it everywhere else, in
 * the same bytes: `s:<secret>.<HMAC-SHA256, base64 without padding>`, percent-encoded
 * as `encodeURIComponent` does. Only exactly those bytes are accepted. Another
 * spelling of the same value is nobody's cookie, so two readers cannot disagree.
 *
 * A forged cookie ends here and costs the store nothing.
 *
 * @module
 */

import { createHmac } from 'node:crypto';
import { equalInConstantTime } from '../base/equal.ts';
import type { Frontend } from '../http/frontend.ts';
import type { KeyRing } from '../keys/key-ring.ts';

/** What the cookie of a request says. */
export interface VerifiedCookie {
  readonly secret: string;
  /** Whether the active key signed it; otherwise the browser should be sent {@link SessionCookie.issue}. */
  readonly isCurrent: boolean;
}

const scheme = 's%3A';
const secretLength = 43;
const secretForm = /^[A-Za-z0-9_-]{43}$/;
/** A signature is 43 characters of base64, of which each may be percent-encoded. */
const longestValue = scheme.length + secretLength + 1 + 43 * 3;

/** Whether a text has the form of a session secret: 256 bits as base64url. Nothing else is ever looked up. */
export function isSessionSecret(text: string): boolean {
  return secretForm.test(text);
}

/** Verifies and makes the session cookie of one frontend. */
export class SessionCookie {
  readonly #frontend: Frontend;
  readonly #keys: KeyRing;

  constructor({ frontend, keys }: { readonly frontend: Frontend; readonly keys: KeyRing }) {
    this.#frontend = frontend;
    this.#keys = keys;
  }

  /** What `value` says, if one of our keys signed it. `value` is raw, as it stands in the `Cookie` header. */
  verify(value: string | undefined): VerifiedCookie | undefined {
    if (value === undefined || value.length > longestValue || !value.startsWith(scheme)) return undefined;
    const secret = value.slice(scheme.length, scheme.length + secretLength);
    if (!isSessionSecret(secret)) return undefined;
    const place = this.#keys.cookieKeys.findIndex((key) => equalInConstantTime(value, signed(secret, key)));
    return place < 0 ? undefined : { secret, isCurrent: place === 0 };
  }

  /** The raw value that the active key signs. */
  valueFor(secret: string): string {
    return signed(secret, this.#keys.active.cookie);
  }

  /** The `Set-Cookie` field that gives the browser `secret`, byte for byte as express-session writes it. */
  issue(secret: string): string {
    return `${this.#frontend.cookies.session}=${this.valueFor(secret)}; Path=/${this.#attributes()}`;
  }

  /**
   * The `Set-Cookie` field that takes the cookie away. Its attributes are those it
   * was set with: a `__Host-` cookie whose deletion lacks one stays in the browser
   * (RFC 6265bis, 4.1.3.2).
   */
  remove(): string {
    return `${this.#frontend.cookies.session}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT${this.#attributes()}`;
  }

  #attributes(): string {
    return `; HttpOnly${this.#frontend.secure ? '; Secure' : ''}; SameSite=Strict`;
  }
}

function signed(secret: string, key: string): string {
  const signature = createHmac('sha256', key).update(secret).digest('base64').replace(/=+$/, '');
  return `${scheme}${secret}.${encodeURIComponent(signature)}`;
}
