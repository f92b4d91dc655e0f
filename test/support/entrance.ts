/**
 * Signing in by bare HTTP: for tests in which hundreds do so, where a browser's
 * rules are not what is tried.
 *
 * The provider must answer for whomever `login_hint` names ({@link byHint}). Each
 * person comes from an address of their own, a stranger to the limit of sign-ins.
 *
 * @module
 */

import { type IncomingMessage, request } from 'node:http';
import type { CurrentUser } from './hostile/grants.ts';
import type { HostileProvider } from './hostile-provider.ts';
import type { Caller } from './traffic.ts';

/** Somebody who is signed in. */
export interface Member extends Caller {
  /** The `sub` at the provider. */
  readonly sub: string;
  /** The provider's name for this sign-in. */
  readonly sid: string;
}

/** A sign-in that the provider has agreed to, and that Claimcheck does not know of yet. */
export interface Arrival {
  /** Comes back with the code. `undefined` when no session came of it. */
  finish(instance?: number): Promise<Member | undefined>;
}

/** For `provider.user`: everybody is who the client says they are. */
export const byHint: CurrentUser = ({ query }) => ({ sub: query['login_hint'] ?? 'nobody' });

/** Where people sign in. */
export interface EntranceParts {
  readonly origin: string;
  readonly hostile: HostileProvider;
  /** The port of an instance. */
  readonly portOf: (instance: number) => number;
}

/** One step of a sign-in, as a browser without a face takes it. */
interface Step {
  readonly url: string;
  readonly port: number;
  readonly cookie: string;
  readonly site: 'same-origin' | 'cross-site';
  readonly localAddress: string;
}

/** The way in. */
export class Entrance {
  readonly #parts: EntranceParts;
  #people = 0;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  /** Signs somebody in. Rejects when no session comes of it. */
  async signIn(sub: string, instance = 0): Promise<Member> {
    const member = await (await this.arrive(sub, instance)).finish();
    if (member === undefined) throw new Error(`nobody was signed in as ${sub}`);
    return member;
  }

  /** Goes to the provider and stops on the way back. */
  async arrive(sub: string, instance = 0): Promise<Arrival> {
    const { origin, hostile, portOf } = this.#parts;
    const person = this.#people++;
    const localAddress = `127.1.${Math.floor(person / 250) % 250}.${1 + (person % 250)}`;
    const from = { port: portOf(instance), localAddress };
    const login = await take({ url: `${origin}/login?login_hint=${sub}`, cookie: '', site: 'same-origin', ...from });
    const consent = await fetch(targetOf(login), { redirect: 'manual' });
    await consent.body?.cancel();
    const url = consent.headers.get('location') ?? '';
    const sid = hostile.grants.findLast(({ user }) => user.sub === sub)?.sid;
    if (sid === undefined) throw new Error(`the provider knows nothing of ${sub}`);
    return {
      finish: async (at = instance) => {
        const back = { url, cookie: cookiesOf(login), site: 'cross-site', localAddress, port: portOf(at) } as const;
        const cookie = cookiesOf(await take(back));
        return cookie === '' ? undefined : { sub, sid, cookie, host: new URL(origin).host };
      },
    };
  }
}

function take({ url, port, cookie, site, localAddress }: Step): Promise<IncomingMessage> {
  const { host, pathname, search } = new URL(url);
  const headers = {
    Host: host,
    'Sec-Fetch-Site': site,
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
    ...(cookie === '' ? {} : { Cookie: cookie }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: pathname + search, headers, localAddress });
    sent.on('response', (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer));
    });
    sent.on('error', reject);
    sent.end();
  });
}

function targetOf({ headers, statusCode }: IncomingMessage): string {
  if (headers.location === undefined) throw new Error(`no redirect but ${statusCode}`);
  return headers.location;
}

/** The cookies that an answer sets, without those it deletes. */
function cookiesOf({ headers }: IncomingMessage): string {
  const pairs = (headers['set-cookie'] ?? []).map((line) => line.split(';')[0] ?? '');
  return pairs.filter((pair) => !pair.endsWith('=')).join('; ');
}
