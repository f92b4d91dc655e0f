/**
 * Plain-http guard: refuses what a browser sent in clear when the public origin
 * is https, as the proxy in front of us tells. A secret sent in clear has been
 * seen already, so nothing but a navigation is sent on to https (ASVS 4.1.2).
 *
 * It believes only a proxy whose address is trusted; `receive` sees to that.
 *
 * @module
 */

import { allow, type Decision, deny } from './decision.ts';

/** The facts of a request that this guard looks at. */
export interface TransportFacts {
  /** What a trusted proxy says the browser spoke; `undefined` when none says anything. */
  readonly forwardedProto: string | undefined;
  /** Whether people reach us over https. */
  readonly frontend: { readonly secure: boolean };
}

/** Decides whether the transport will do. */
export function checkTransport({ forwardedProto, frontend }: TransportFacts): Decision {
  return frontend.secure && forwardedProto === 'http' ? deny('plain-http') : allow;
}
