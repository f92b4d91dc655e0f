/**
 * What the authorization server answered on the back channel: which sizes and
 * types are taken, and what can be read of an answer.
 *
 * Refused are a body that is not JSON where JSON belongs, and one that two
 * parsers could read differently (CB-25, IT-34). What an answer means is decided
 * by whoever asked.
 *
 * @module
 */

import { JsonError, type JsonObject, parseJsonObject } from './strict-json.ts';

/** What is asked. Decides the size limit and the type of a good answer. */
export type Endpoint = 'metadata' | 'key-set' | 'token' | 'pushed-request' | 'user-info' | 'revocation';

const kibibyte = 1024;

interface EndpointRule {
  readonly maxBytes: number;
  /** The body of a 2xx answer; `any` need not be read. */
  readonly body: 'json' | 'json-or-jwt' | 'any';
}

const rules: Readonly<Record<Endpoint, EndpointRule>> = {
  metadata: { maxBytes: 256 * kibibyte, body: 'json' },
  'key-set': { maxBytes: 256 * kibibyte, body: 'json' },
  token: { maxBytes: 1024 * kibibyte, body: 'json' },
  'pushed-request': { maxBytes: 64 * kibibyte, body: 'json' },
  'user-info': { maxBytes: 1024 * kibibyte, body: 'json-or-jwt' },
  revocation: { maxBytes: 64 * kibibyte, body: 'any' },
};

/** Bytes that the whole body of an answer may have. */
export function maxBytesOf(endpoint: Endpoint): number {
  return rules[endpoint].maxBytes;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; fields that came several times are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A whole answer, read. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The media type in lower case, without parameters; empty when none was sent. */
  readonly type: string;
  readonly text: string;
  /** The body, where it is JSON that can be read in one way only. */
  readonly json: JsonObject | undefined;
}

/**
 * Why there is no answer. `connection`: refused, reset or never made; `deadline`:
 * not whole in time; the others are answers that cannot be used.
 */
export type BackChannelFault =
  | 'insecure-endpoint'
  | 'connection'
  | 'deadline'
  | 'redirect'
  | 'encoded'
  | 'too-large'
  | 'wrong-type'
  | 'malformed'
  | 'duplicate-member';

/** Thrown instead of an answer. */
export class BackChannelError extends Error {
  readonly reason: BackChannelFault;
  /** `false` when not one byte of the request was written. */
  readonly sent: boolean;
  /** What came, where it came whole: only to be searched for tokens that must be revoked. */
  readonly unusableText: string | undefined;

  constructor(
    reason: BackChannelFault,
    details: { readonly sent: boolean; readonly cause?: unknown; readonly unusableText?: string | undefined },
  ) {
    super(`no answer of the authorization server: ${reason}`, { cause: details.cause });
    this.name = 'BackChannelError';
    this.reason = reason;
    this.sent = details.sent;
    this.unusableText = details.unusableText;
  }
}

/** Reads an answer of `endpoint`. Throws {@link BackChannelError} for a good one whose body is not what it must be. */
export function readAnswer(endpoint: Endpoint, { status, headers, body }: RawAnswer): Answer {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const wanted = rules[endpoint].body;
  if (!isGood(status) || wanted === 'any') return { status, headers, type, ...readable(body, type) };
  if (wanted === 'json-or-jwt' && type === 'application/jwt') {
    return { status, headers, type, text: decoded(body), json: undefined };
  }
  if (!isJsonType(type)) throw unusable('wrong-type', body);
  const text = decoded(body);
  return { status, headers, type, text, json: readJson(text) };
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

// An answer that is no success is used for what can be read of it.
function readable(body: Buffer, type: string): Pick<Answer, 'text' | 'json'> {
  try {
    if (isJsonType(type)) return { text: decoded(body), json: readJson(decoded(body)) };
  } catch (error) {
    if (!(error instanceof BackChannelError)) throw error;
  }
  return { text: body.toString('latin1'), json: undefined };
}

// The registered type of the answer, or one built upon JSON, such as application/jwk-set+json (RFC 6839, 3.1).
function isJsonType(type: string): boolean {
  return type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decoded(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw unusable('malformed', body, cause);
  }
}

function readJson(text: string): JsonObject {
  try {
    return parseJsonObject(text);
  } catch (cause) {
    const isDoubled = cause instanceof JsonError && cause.reason === 'duplicate-member';
    throw unusable(isDoubled ? 'duplicate-member' : 'malformed', text, cause);
  }
}

function unusable(reason: BackChannelFault, body: Buffer | string, cause?: unknown): BackChannelError {
  return new BackChannelError(reason, { sent: true, cause, unusableText: body.toString() });
}

/** An answer in the form in which openid-client takes one. JSON of any of its types is called by the plain name, which is all it knows. */
export function libraryResponse({ status, headers, type, text }: Answer): Response {
  const isBodyless = status === 204 || status === 205 || status === 304;
  const carried = ['www-authenticate', 'retry-after'].filter((name) => headers[name] !== undefined);
  return new Response(isBodyless ? null : text, {
    status,
    headers: [
      ['content-type', isJsonType(type) ? 'application/json' : type],
      ...carried.map((name): [string, string] => [name, headers[name] ?? '']),
    ],
  });
}
