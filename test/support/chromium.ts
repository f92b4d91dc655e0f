/**
 * A real Chromium without a screen, for what only a real browser decides:
 * scripts, Content-Security-Policy, WebSockets, storage, its own cookie rules.
 *
 * Each launch has a new profile that is removed with it.
 *
 * @module
 */

import { type Browser, chromium as engine } from 'playwright-core';
import { chromium, mustFind } from './programs.ts';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--metrics-recording-only',
  // What is not this machine does not exist: no request of the browser's own leaves it.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
];

/** How the browser differs from the usual one. */
export interface ChromiumOptions {
  /** Further command line flags; `--host-resolver-rules` among them replaces ours. */
  readonly flags?: readonly string[];
}

/** Starts Chromium. Close it in `afterAll`, or with `await using`. Throws when it is not installed. */
export function launchChromium({ flags: more = [] }: ChromiumOptions = {}): Promise<Browser> {
  return engine.launch({
    executablePath: mustFind(chromium),
    headless: true,
    args: [...flags, ...more],
    timeout: 30_000,
  });
}
