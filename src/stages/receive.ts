/**
 * The stage `receive`: the request is read once (http/receive-request.ts), and
 * refused here when it can be read in two ways.
 *
 * A refusal ends the connection: what follows on it cannot be trusted to begin
 * where it seems to.
 *
 * @module
 */

import type { Frontend } from '../http/frontend.ts';
import type { InboundRequest, Incoming, Opening } from '../http/inbound.ts';
import { problemReply } from '../http/problem.ts';
import { isRefusal, type Receiver, type Refusal } from '../http/receive-request.ts';
import { sendReply } from '../http/reply.ts';
import { ReplyHeaders } from '../http/reply-headers.ts';

/** What the stage reads with. */
export interface ReceiveOptions {
  readonly receiver: Receiver;
  /** Flat: the security headers of an answer that is for nobody in particular, of this frontend where it is known. */
  readonly refusalHeadersOf: (frontend: Frontend | undefined) => readonly string[];
}

/** Makes the stage. */
export function receiveStage({ receiver, refusalHeadersOf }: ReceiveOptions) {
  return (opening: Opening, from: Incoming): InboundRequest | undefined => {
    const result = receiver.read(opening, from);
    if (isRefusal(result)) {
      opening.record.frontend = result.frontend;
      refuse({ opening, from, refusalHeaders: refusalHeadersOf(result.frontend) }, result);
      return undefined;
    }
    opening.record.request = result;
    opening.record.frontend = result.frontend;
    return result;
  };
}

interface Refused {
  readonly opening: Opening;
  readonly from: Incoming;
  readonly refusalHeaders: readonly string[];
}

function refuse({ opening, from, refusalHeaders }: Refused, { code, detail, kind }: Refusal): void {
  const { message, response } = from;
  opening.record.refuse(code);
  opening.record.detail = detail;
  const mode = message.headers['sec-fetch-mode'];
  const asker = {
    id: opening.id,
    kind,
    fetchMode: typeof mode === 'string' ? mode : undefined,
    headers: message.headers,
  };
  const replyHeaders = new ReplyHeaders(['X-Request-Id', opening.id, 'Connection', 'close', ...refusalHeaders]);
  sendReply({ response, replyHeaders, method: message.method ?? '' }, problemReply(asker, code));
}
