/**
 * The few pages that we write ourselves: errors, and the question before signing
 * out. Plain, readable without script, and closed: their policy allows one style,
 * by its hash, and nothing else.
 *
 * No text of a request is ever put into them (ER-07).
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { Reply } from './reply.ts';

const style = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}
main{max-width:32rem;padding:2rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}
p{margin:0 0 1rem}
small{opacity:.7;overflow-wrap:anywhere}
a,button{font:inherit;display:inline-block;padding:.6rem 1.1rem;border-radius:.5rem;border:1px solid currentColor;background:transparent;color:inherit;text-decoration:none;cursor:pointer}
a:focus-visible,button:focus-visible{outline:3px solid Highlight;outline-offset:2px}`;

const styleHash = hashOf(style);

/** What stands on a page. All of it is ours: constants, and ids that we made. */
export interface PageContent {
  readonly title: string;
  /** HTML inside `main`, after the heading. */
  readonly body: string;
  /** Where a form on it may end up, beside our own origin: the end of a redirect chain counts in Chromium. */
  readonly formAction?: string | undefined;
  /** The one script that may run, at the end of the page. A constant: nothing is ever put into it. */
  readonly script?: string | undefined;
}

/** A page that nobody may store, frame or extend. */
export function htmlReply(
  status: number,
  { title, body, formAction, script }: PageContent,
  headers: Reply['headers'] = {},
): Reply {
  const policy = [
    "default-src 'none'",
    `style-src ${styleHash}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    `form-action 'self'${formAction ? ` ${formAction}` : ''}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
      'Cache-Control': 'no-store',
      ...headers,
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
<main>
<h1>${title}</h1>
${body}
</main>
${script === undefined ? '' : `<script>${script}</script>\n`}</html>
`,
  };
}

/** A source of CSP Level 3, 2.3.1. */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
