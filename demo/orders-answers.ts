/**
 * The answers of the orders API as values, and the refusals RFC 6750 prescribes.
 *
 * @module
 */

/** An answer that is ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly contentType: 'application/json' | 'application/problem+json';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer with a JSON body. */
export function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

/** A refusal or failure by RFC 9457; the title is for people. */
export function problem(status: number, title: string): Answer {
  return { status, contentType: 'application/problem+json', body: JSON.stringify({ title, status }) };
}

/** Why a token was not enough; a scope names itself. */
export type Refusal =
  | 'token-missing'
  | 'request-malformed'
  | 'token-invalid'
  | 'keys-unreachable'
  | 'orders.read'
  | 'orders.write';

/** RFC 6750, 3 and 3.1: a request without a token gets a challenge without an error code. */
export function refusal(why: Refusal): Answer {
  switch (why) {
    case 'token-missing':
      return challenge({ status: 401, title: 'An access token is needed.' });
    case 'request-malformed':
      return challenge({
        status: 400,
        title: 'One Authorization header, please.',
        parameters: ', error="invalid_request"',
      });
    case 'token-invalid':
      return challenge({
        status: 401,
        title: 'The access token is not good here.',
        parameters: ', error="invalid_token"',
      });
    case 'keys-unreachable':
      return { ...problem(503, 'The authorization server cannot be reached.'), headers: { 'Retry-After': '2' } };
    case 'orders.read':
    case 'orders.write':
      return challenge({
        status: 403,
        title: `The access token lacks ${why}.`,
        parameters: `, error="insufficient_scope", scope="${why}"`,
      });
    default:
      return why satisfies never;
  }
}

interface Challenge {
  readonly status: number;
  readonly title: string;
  /** Behind the realm: error code and what belongs to it (RFC 6750, 3). */
  readonly parameters?: string;
}

function challenge({ status, title, parameters = '' }: Challenge): Answer {
  return { ...problem(status, title), headers: { 'WWW-Authenticate': `Bearer realm="orders"${parameters}` } };
}
