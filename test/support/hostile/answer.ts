/**
 * An answer of an endpoint as a value, and the switches that every endpoint has.
 *
 * Endpoints return honest answers; `dressAnswer` applies the switches to them.
 *
 * @module
 */

import type { FaultSwitch } from './fault.ts';
import { type Changes, changedObject, changedValue, type JsonObject, type Switch } from './json.ts';
import type { LoggedRequest } from './log.ts';

/** Headers of an answer; a list is sent as that many fields. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** An honest answer: JSON or text, never both. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly json?: JsonObject | undefined;
  readonly text?: string | undefined;
}

/** An answer as it goes onto the wire. */
export interface DressedAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
}

/**
 * The switches of every endpoint. They are applied after the request was
 * processed, in the order in which they stand here, the fault last.
 */
export interface AnswerSwitches {
  /** Another status: `500`, or `(honest) => …`. */
  status?: Switch<number> | undefined;
  /** Headers laid over the honest ones, names in lower case; `undefined` removes one, a list sends it several times. */
  headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** Another media type in `Content-Type`. */
  contentType?: string | undefined;
  /** Members of the JSON answer: `{ expires_in: '3600' }`, `{ id_token: undefined }`, or `(honest) => …`. No effect on an answer that is not JSON. */
  fields?: Changes | undefined;
  /** The body as text, last of all: `repeatMember('sub', 'bob')`, `() => 'not JSON'`. */
  raw?: ((body: string) => string | Uint8Array) | undefined;
  /** A fault of the transport, or another answer altogether (fault.ts). */
  fault?: FaultSwitch | undefined;
}

const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' } as const;

/** A JSON answer that nobody stores. */
export function jsonAnswer(json: JsonObject, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json', ...noStore }, json };
}

/** An OAuth error (RFC 6749, section 5.2). */
export function errorAnswer(error: string, { status = 400, reason = '', headers = {} as AnswerHeaders } = {}): Answer {
  const answer = jsonAnswer({ error, error_description: reason }, status);
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** A redirect of the browser. */
export function redirectAnswer(location: string): Answer {
  return { status: 302, headers: { location, ...noStore }, text: '' };
}

/** An HTML page. */
export function pageAnswer(html: string, status = 200): Answer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...noStore }, text: html };
}

/** Text as it stands in HTML, attribute values included. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The JSON of the answer after the `fields` switch; tokens that were given out are read from it. */
export function fieldsOf(answer: Answer, { by, request }: { by: AnswerSwitches; request: LoggedRequest }): Answer {
  if (!answer.json) return answer;
  return { ...answer, json: changedObject(answer.json, { by: by.fields, request }) };
}

/** The answer as it goes onto the wire; `fields` was applied before. */
export function dressAnswer(
  answer: Answer,
  { by, request }: { by: AnswerSwitches; request: LoggedRequest },
): DressedAnswer {
  const text = answer.json ? JSON.stringify(answer.json) : (answer.text ?? '');
  const headers: Record<string, string | readonly string[]> = { ...answer.headers };
  if (by.contentType !== undefined) headers['content-type'] = by.contentType;
  for (const [name, value] of Object.entries(by.headers ?? {})) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return {
    status: changedValue(answer.status, { by: by.status, request }),
    headers,
    body: Buffer.from(by.raw ? by.raw(text) : text),
  };
}
