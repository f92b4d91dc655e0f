/**
 * The forms of a stage: what stands between reading a request and answering it,
 * and what answers it.
 *
 * @module
 */

import type { ClearedRequest, InboundRequest } from '../http/inbound.ts';
import type { DenyReason } from './decision.ts';

/** What a stage says: go on, I answered, or refuse for this reason. */
export type Step = 'next' | 'answered' | DenyReason;

/** A stage between reading and answering. */
export type Guard = (request: InboundRequest) => Step;

/** The last stage of a kind. What it throws becomes the answer. */
export type Answer = (request: ClearedRequest) => void | Promise<void>;
