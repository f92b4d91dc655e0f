/**
 * Answers everything that is neither an API nor an auth route: the single-page
 * app, from a folder of files or from another server.
 *
 * The folder is read once, at start: what was not there then is not served, and
 * neither are hidden files and source maps. A path that is no file gets
 * `index.html` when a browser wants a page, so that the app's own routes work.
 *
 * The page never needs the session cookie: after a page of the provider the
 * browser does not send a Strict cookie with the landing page (RFC 6265bis, 5.2).
 *
 * @module
 */

import { readdirSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join, relative, resolve, sep } from 'node:path';
import express from 'express';
import { ProblemError } from '../errors.ts';
import type { Answer } from '../guards/step.ts';
import type { ClearedRequest } from '../http/inbound.ts';

/** How long a browser may take no byte of a file, in ms: as long as of an API's answer. */
const readerTimeoutMs = 120_000;

/** Makes the stage for a folder. Throws, with what to do, when it cannot be read or has no `index.html`. */
export function pageFromFiles(directory: string): Answer {
  const root = resolve(directory);
  const files = listFiles(root);
  if (!files.has('/index.html')) {
    throw new Error(`PUBLIC_DIR: ${root} has no index.html. Point it at the folder your build writes.`);
  }
  const serve = express.static(root, { index: false, redirect: false, dotfiles: 'deny', setHeaders: setCaching });
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET, HEAD' } });
    }
    const file = fileFor(request, files);
    if (file === undefined) throw new ProblemError('not-found');
    request.replyHeaders.applyTo(request.response);
    // A reader that takes nothing for so long is cut; Node sets another limit when the answer has ended.
    request.message.socket.setTimeout(readerTimeoutMs);
    request.message.url = file.split('/').map(encodeURIComponent).join('/');
    return new Promise((_done, reject) => {
      serve(
        request.message as express.Request,
        request.response as express.Response,
        (error?: unknown) => reject(error ?? new ProblemError('not-found')), // a file that went away since the start
      );
    });
  };
}

function listFiles(root: string): ReadonlySet<string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `/${relative(root, join(entry.parentPath, entry.name)).split(sep).join('/')}`)
    .filter((path) => !path.includes('/.') && !path.endsWith('.map'));
  return new Set(paths);
}

function fileFor(request: ClearedRequest, files: ReadonlySet<string>): string | undefined {
  const path = request.path === '/' ? '/index.html' : decodeURIComponent(request.path); // `receive` refused what does not decode
  if (files.has(path)) return path;
  const looksLikeFile = path.includes('/.') || extname(path) !== '';
  return !looksLikeFile && wantsPage(request) ? '/index.html' : undefined;
}

function wantsPage({ headers }: ClearedRequest): boolean {
  return (headers.accept ?? '').includes('text/html');
}

/** A build's name for a file whose content never changes: `app-3f9a1c7e.js`, `app.3f9a1c7e.css`. */
const hashedName = /[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

function setCaching(response: ServerResponse, path: string): void {
  const neverChanges = hashedName.test(path) && /\d/.test(path) && extname(path) !== '.html';
  response.setHeader('Cache-Control', neverChanges ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (extname(path) === '.html') response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
}
