/**
 * A person at a real browser, and everything that happened around them: requests
 * with the headers that Chromium really sent, violated policies, scripts that
 * failed.
 *
 * @module
 */

import type { BrowserContext, BrowserContextOptions, Browser as Chromium, Page, Request } from 'playwright-core';

/** A request as it left the browser. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly type: string;
  /** Names in lower case; cookies and `Sec-Fetch-*` included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One person with a new profile. */
export class Visitor {
  readonly context: BrowserContext;
  /** `origin directive blocked`, one for each policy that was violated, in any document. */
  readonly violations: string[] = [];
  /** What scripts of pages threw and nobody caught. */
  readonly faults: string[] = [];
  readonly #requests: Promise<SentRequest>[] = [];

  /** Use {@link visitorOf}, which makes the profile. */
  constructor(context: BrowserContext) {
    this.context = context;
    context.on('request', (request) => this.#requests.push(sent(request)));
    context.on('weberror', (error) => this.faults.push(String(error.error())));
  }

  /** Opens a tab, at an address if one is given. */
  async open(url?: string): Promise<Page> {
    const page = await this.context.newPage();
    if (url !== undefined) await page.goto(url);
    return page;
  }

  /** All requests so far whose address begins so. */
  async requests(prefix: string): Promise<readonly SentRequest[]> {
    const all = await Promise.all(this.#requests);
    return all.filter(({ url }) => url.startsWith(prefix));
  }

  /** Names of the cookies that the browser holds for an address, but the count of starts: it names nobody and goes within a minute. */
  async cookieNames(url: string): Promise<readonly string[]> {
    const cookies = await this.context.cookies(url);
    return cookies.map(({ name }) => name).filter((name) => name !== 'claimcheck-starts');
  }

  /** For `await using`: removes the profile. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.context.close();
  }
}

/** Somebody new, with a profile of their own. */
export async function visitorOf(chromium: Chromium, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await chromium.newContext(options);
  const visitor = new Visitor(context);
  await context.exposeBinding('reportViolation', (_source, violation: string) => {
    visitor.violations.push(violation);
  });
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    reportViolation([location.origin, event.effectiveDirective, event.blockedURI].join(' ')))`);
  return visitor;
}

/** Signs in by the page's link and the provider's button, and waits until the page says so. */
export async function signInAt(page: Page, name = 'Alice'): Promise<void> {
  await page.locator('#sign-in').click();
  await page.getByRole('button', { name: new RegExp(name) }).click();
  await page.locator('#signed-in').waitFor();
}

async function sent(request: Request): Promise<SentRequest> {
  const headers = await request.allHeaders().catch(() => request.headers()); // of a page that is gone meanwhile
  return { method: request.method(), url: request.url(), type: request.resourceType(), headers };
}
