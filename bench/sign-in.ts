/**
 * Signs people in at a peer, as a browser does, over the provider and back.
 *
 * @module
 */

import { Browser } from '../test/support/browser.ts';

/** What a request of one person carries. */
export interface Caller {
  /** The `Cookie` header. */
  readonly cookie: string;
  /** What proves that our own page sent it; where the peer has no such proof, empty. */
  readonly csrfToken: string;
}

/** How a peer is signed in to. */
export interface SignInPlan {
  readonly origin: string;
  /** Where a person begins. */
  readonly loginPath: string;
  /** Where the peer tells the page its proof against request forgery, and where not, `undefined`. */
  readonly csrfPath?: string;
  readonly count: number;
}

/** How many sign in at the same time. */
const atOnce = 8;

/** Signs `count` people in. Rejects when one of them cannot. */
export async function signInMany(plan: SignInPlan): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun < plan.count) callers.push(await signInOne(plan, begun++));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, plan.count) }, worker));
  return callers;
}

async function signInOne({ origin, loginPath, csrfPath }: SignInPlan, number: number): Promise<Caller> {
  // Each from an address of its own, as people are: Claimcheck counts the sign-ins of one address.
  const address = `198.18.${number >> 8}.${number & 255}`;
  const browser = new Browser({ keepAlive: true, headers: { 'X-Forwarded-For': address } });
  const answer = await browser.navigate(origin + loginPath, { from: `${origin}/` });
  if (answer.status !== 200) throw new Error(`signing in at ${origin} ended at ${answer.url} with ${answer.status}`);
  const cookie = browser.cookieHeader(`${origin}/api/small`, { from: `${origin}/` });
  if (cookie === undefined) throw new Error(`signing in at ${origin} gave no cookie`);
  if (csrfPath === undefined) return { cookie, csrfToken: '' };
  const session = await (await browser.fetch(origin + csrfPath, { from: `${origin}/` })).json();
  return { cookie, csrfToken: String(session['csrf_token']) };
}
