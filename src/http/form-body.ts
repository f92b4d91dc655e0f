/**
 * The fields of a form in the body of a request, for the few routes that read
 * one: bounded in bytes and in time, and in one encoding only.
 *
 * Bodies of calls that are forwarded are never read here (proxy/upload.ts).
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';
import type { InboundRequest } from './inbound.ts';

/** What bounds a form. */
export interface FormLimits {
  /** Bytes of the body at the most. */
  readonly maxBytes: number;
  /** For the whole body, ms: whoever drips holds nothing open. */
  readonly limitMs: number;
  readonly clock: Pick<Clock, 'after'>;
}

/** The part of a request that is read. */
export type FormRequest = Pick<InboundRequest, 'headers' | 'message' | 'response'>;

/**
 * The fields, each as often as it was sent. Throws `body-invalid` for another type
 * or coding and for bytes that are no text, `body-too-large`, `request-timeout`.
 */
export async function readForm(request: FormRequest, limits: FormLimits): Promise<URLSearchParams> {
  const { headers, message, response } = request;
  if (!isForm(headers['content-type'])) throw invalid('content-type');
  if (headers['content-encoding'] !== undefined) throw invalid('content-encoding');
  // Said beforehand, so nothing of it is read.
  if (Number(headers['content-length'] ?? 0) > limits.maxBytes) throw new ProblemError('body-too-large');
  if (headers.expect !== undefined) response.writeContinue();
  return new URLSearchParams(textOf(await readBytes(message, limits)));
}

// RFC 9110, 8.3.1: the type is compared without case; the form encoding is UTF-8 whatever a charset says.
function isForm(type: string | undefined): boolean {
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded';
}

function readBytes(message: IncomingMessage, { maxBytes, limitMs, clock }: FormLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const stop = (outcome: () => void) => {
      cancel();
      message.off('data', take).off('end', whole).off('close', broken);
      outcome();
    };
    const cancel = clock.after(limitMs, () => stop(() => reject(new ProblemError('request-timeout'))));
    const take = (chunk: Buffer) => {
      received += chunk.length;
      chunks.push(chunk);
      if (received > maxBytes) stop(() => reject(new ProblemError('body-too-large')));
    };
    const whole = () => stop(() => resolve(Buffer.concat(chunks)));
    const broken = () => stop(() => reject(invalid('incomplete'))); // nobody is left to read the answer
    message.on('data', take).on('end', whole).on('close', broken);
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw invalid('encoding', cause);
  }
}

function invalid(what: string, cause: unknown = new Error(what)): ProblemError {
  return new ProblemError('body-invalid', { cause });
}
