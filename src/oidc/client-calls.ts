/**
 * Calls that are made as the client: proved, over the back channel, with the answer
 * kept, and with every failure told apart.
 *
 * Each call has a library configuration of its own, so that its answer is its own.
 * What is asked for stands in provider.ts.
 *
 * @module
 */

import * as library from 'openid-client';
import type { DpopKey } from '../keys/dpop-key.ts';
import type { BackChannel } from './back-channel.ts';
import { type Answer, type Endpoint, libraryResponse } from './back-channel-answer.ts';
import { clientAuthentication, libraryMetadata } from './client-authentication.ts';
import { ClientProof } from './client-proof.ts';
import { Decryption } from './decryption.ts';
import { type Failure, grantErrorFrom } from './grant-failure.ts';
import type { ProviderMetadata } from './metadata.ts';
import { Proofs } from './proofs.ts';
import type { ProviderOptions } from './provider-options.ts';

/** Where a call goes, and what it asks for. */
export interface Asking {
  readonly endpoint: Endpoint;
  readonly request: Failure['request'];
  readonly metadata: ProviderMetadata;
  /** Proves in the request which key the tokens are bound to, or are to be (RFC 9449). */
  readonly key?: DpopKey | undefined;
}

/** What came of a call that did not fail. */
export interface Asked<Result> {
  /** What the library made of the answer. */
  readonly result: Result;
  /** The answer itself; `undefined` when nothing was asked. */
  readonly answer: Answer | undefined;
}

/** One call of the library, and what was answered to it. */
interface Call {
  readonly configuration: library.Configuration;
  answer: Answer | undefined;
  /** Why the answer could not be opened; the library would hide it behind a word of its own. */
  unopened?: unknown;
  /** Whether the server wants the same again, with the nonce it gave. */
  wantsNonce: boolean;
}

/** Makes calls as one client of one server. */
export class ClientCalls {
  readonly proof: ClientProof;
  readonly decryption: Decryption;
  readonly #options: ProviderOptions;
  readonly #channel: BackChannel;
  readonly #proofs: Proofs;

  constructor(options: ProviderOptions, channel: BackChannel) {
    this.#options = options;
    this.#channel = channel;
    this.proof = new ClientProof(options.client, options.clientKeys);
    this.decryption = new Decryption(options.client.decryption);
    this.#proofs = new Proofs(options.clock);
  }

  /** For what the library makes without asking: addresses for the browser. */
  configurationFor(metadata: ProviderMetadata): library.Configuration {
    return this.#callTo({ endpoint: 'token', request: 'other', metadata }).configuration;
  }

  /**
   * Asks; once more where the server wants its nonce in the proof, with everything in the request made anew, since an
   * assertion is good for one request. Throws `GrantError`; anything else is a bug.
   */
  ask<Result>(asking: Asking, ask: (to: library.Configuration) => Promise<Result>): Promise<Asked<Result>> {
    const attempt = async (triesLeft: number): Promise<Asked<Result>> => {
      const call = this.#callTo(asking);
      try {
        return { result: await ask(call.configuration), answer: call.answer };
      } catch (error) {
        if (call.wantsNonce && triesLeft > 0) return attempt(triesLeft - 1);
        const { answer, unopened } = call;
        const { request } = asking;
        throw grantErrorFrom({ request, answer, error: unopened ?? error, now: this.#options.clock.now() });
      }
    };
    return this.proof.trying(() => attempt(1));
  }

  #callTo({ endpoint, metadata, key }: Asking): Call {
    const { client, clock } = this.#options;
    const audience = client.assertionAudience ?? 'issuer';
    const proof = clientAuthentication(this.proof, { metadata, audience, now: clock.now() });
    // A certificate is shown at the aliases, where there are any (RFC 8705, 5).
    const registered = { use_mtls_endpoint_aliases: client.certificate !== undefined };
    const configuration = new library.Configuration(libraryMetadata(metadata), client.id, registered, proof);
    const call: Call = { configuration, answer: undefined, wantsNonce: false };
    // Where plain http may go is decided by metadata.ts and the back channel, how long it may take by the latter.
    library.allowInsecureRequests(configuration);
    configuration.timeout = undefined;
    configuration[library.customFetch] = async (url, { method, headers, body }) => {
      const form = body === null || body === undefined ? undefined : String(body);
      const question = { endpoint, url, method, headers, body: form };
      // Kept before it is opened: should that fail, its tokens are still known.
      call.answer = await this.#channel.ask(key === undefined ? question : this.#proofs.prove(question, key));
      call.wantsNonce = key !== undefined && this.#proofs.wantsNonce(question, call.answer);
      call.answer = await this.decryption.openAnswer(endpoint, call.answer).catch((error: unknown) => {
        call.unopened = error;
        throw error;
      });
      return libraryResponse(call.answer);
    };
    return call;
  }
}
