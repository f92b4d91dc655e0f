/**
 * The way of a request, in one table.
 *
 * A request is of one kind: a page, an auth route, an API call, an upgrade, or an
 * operations route on the internal port. It runs down the table through the
 * stages that carry its letter, in this order. There is no other place where
 * order is decided.
 *
 * The table is compiled once into one list for each kind, so a request costs a
 * few calls and no look-up.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DenyReason } from './guards/decision.ts';
import type { Answer, Guard } from './guards/step.ts';
import { breakOff } from './http/break-off.ts';
import {
  type ClearedRequest,
  clear,
  type InboundRequest,
  type Incoming,
  type Kind,
  type Opening,
} from './http/inbound.ts';
import { failureReply, problemReply } from './http/problem.ts';
import { sendReply } from './http/reply.ts';

/** The stages that a request passes before it is known whom it was sent to. They are the same for all frontends. */
export interface Entry {
  readonly record: (message: IncomingMessage, response: ServerResponse) => Opening;
  /** The request, or `undefined` when it was refused and answered. */
  readonly receive: (opening: Opening, from: Incoming) => InboundRequest | undefined;
  /** Answers what came to the internal port. */
  readonly operations: (opening: Opening, from: Incoming) => void;
}

/** The parts that the table arranges: those of one frontend. */
export interface Stages {
  readonly securityHeaders: Guard;
  readonly plainHttp: Guard;
  readonly cors: Guard;
  readonly overload: Guard;
  readonly crossOrigin: Guard;
  readonly signIn: Answer;
  readonly api: Answer;
  readonly page: Answer;
  readonly upgrade: Answer;
}

/** One row: a name, the kinds it applies to, and what it does there. */
export interface Row {
  readonly name: string;
  readonly kinds: readonly Kind[];
  readonly guard?: Guard;
  readonly answer?: Answer;
}

/** Arranges the stages. */
export function arrange(stages: Stages): readonly Row[] {
  return [
    //  stage                      page auth api upgr ops     answers by itself with
    row('record', 'P    A    I    U    O'), // never; sees every outcome
    row('receive', 'P    A    I    U     '), // 400, 414, 417, 421, 501
    row('security headers', 'P    A    I    U     ', { guard: stages.securityHeaders }), // never
    row('plain http', 'P    A    I    U     ', { guard: stages.plainHttp }), // 308, 403
    row('cors', '     A    I          ', { guard: stages.cors }), // 204 to a preflight, 403
    row('overload', 'P    A    I    U     ', { guard: stages.overload }), // 503, readable by the pages that cors lets in
    row('cross origin', '     A    I    U     ', { guard: stages.crossOrigin }), // 403
    row('sign-in', '     A               ', { answer: stages.signIn }), // login, callback, session, logout
    row('api', '          I          ', { answer: stages.api }), // see api.ts
    row('page', 'P                    ', { answer: stages.page }), // 200, 304, 404, 405
    row('upgrade', '               U     ', { answer: stages.upgrade }), // 101, 426
    row('operations', '                    O'), // 200, 404, 503
  ]; // biome keeps the columns: see biome.json
}

/** What no kind may lack, whatever the table says. */
const required: Readonly<Record<Exclude<Kind, 'O'>, readonly string[]>> = {
  P: ['security headers', 'plain http', 'overload'],
  A: ['security headers', 'plain http', 'cors', 'overload', 'cross origin'],
  I: ['security headers', 'plain http', 'cors', 'overload', 'cross origin'],
  U: ['security headers', 'plain http', 'overload', 'cross origin'],
};

/**
 * Turns the table into the function that Node's server calls.
 *
 * Throws when a kind lacks a guard it needs or has not exactly one answer: a
 * mistake in the table ends the start, it does not open a door.
 */
export function compile(rows: readonly Row[], entry: Entry): (from: Incoming) => void {
  const chains = chainsOf(rows);
  return entering(entry, () => chains);
}

/** The same for several frontends, each with its own table, by id. Throws as {@link compile} does. */
export function compileFor(tables: ReadonlyMap<string, readonly Row[]>, entry: Entry): (from: Incoming) => void {
  const chains = new Map([...tables].map(([id, rows]) => [id, chainsOf(rows)]));
  return entering(entry, ({ frontend }) => {
    const own = chains.get(frontend.id);
    if (own === undefined) throw new Error(`no stages for the frontend ${frontend.id}`);
    return own;
  });
}

/** The function for the internal port. */
export function compileOperations({ record, operations }: Entry): (from: Incoming) => void {
  return (from) => operations(record(from.message, from.response), from);
}

type Chains = Readonly<Record<Exclude<Kind, 'O'>, Chain>>;

function chainsOf(rows: readonly Row[]): Chains {
  return { P: chainOf(rows, 'P'), A: chainOf(rows, 'A'), I: chainOf(rows, 'I'), U: chainOf(rows, 'U') };
}

function entering(
  { record, receive }: Entry,
  chainsFor: (request: InboundRequest) => Chains,
): (from: Incoming) => void {
  return (from) => {
    const request = receive(record(from.message, from.response), from);
    if (request === undefined || request.kind === 'O') return;
    const { guards, answer } = chainsFor(request)[request.kind];
    for (const guard of guards) {
      const step = guard(request);
      if (step === 'next') continue;
      if (step !== 'answered') refuse(request, step);
      return;
    }
    run(answer, clear(request));
  };
}

interface Chain {
  readonly guards: readonly Guard[];
  readonly answer: Answer;
}

function chainOf(rows: readonly Row[], kind: Exclude<Kind, 'O'>): Chain {
  const own = rows.filter((row) => row.kinds.includes(kind));
  const missing = required[kind].filter((name) => !own.some((row) => row.name === name && row.guard));
  const [answer, second] = own.flatMap((row) => row.answer ?? []);
  if (missing.length > 0) throw new Error(`kind ${kind} lacks the guards ${missing.join(', ')}`);
  if (answer === undefined || second !== undefined) throw new Error(`kind ${kind} needs exactly one answer`);
  return { guards: own.flatMap((row) => row.guard ?? []), answer };
}

function refuse(request: InboundRequest, reason: DenyReason): void {
  request.record.refuse(reason);
  sendReply(request, problemReply(request, reason));
}

function run(answer: Answer, request: ClearedRequest): void {
  try {
    answer(request)?.catch((error: unknown) => fail(request, error));
  } catch (error) {
    fail(request, error);
  }
}

// An answer that was begun can only be broken off: its end would say that it is whole.
function fail(request: ClearedRequest, error: unknown): void {
  const reply = failureReply(request, error);
  if (request.response.headersSent) breakOff(request.response);
  else sendReply(request, reply);
}

function row(name: string, columns: string, part: Pick<Row, 'guard' | 'answer'> = {}): Row {
  return { name, kinds: [...columns].filter((letter): letter is Kind => 'PAIUO'.includes(letter)), ...part };
}
