/**
 * What this browser holds for this page: everything a script could take away.
 * Signed in or not, the answer should be nothing, and that is the point.
 *
 * It reads and shows; it stores nothing.
 *
 * @module
 */

import { byId, element } from './dom.js';

/** Looks again and shows what is there. */
export async function showHoldings() {
  const holdings = await Promise.all([
    { name: 'document.cookie', held: document.cookie === '' ? [] : document.cookie.split('; ') },
    { name: 'localStorage', held: entriesOf(() => localStorage) },
    { name: 'sessionStorage', held: entriesOf(() => sessionStorage) },
    { name: 'indexedDB', held: await databaseNames() },
    { name: 'caches', held: await cacheNames() },
  ]);
  byId('holdings-list').replaceChildren(...holdings.map(rowFor));
  const isEmpty = holdings.every(({ held }) => held.length === 0);
  byId('holdings-text').textContent = isEmpty
    ? 'Nothing to steal. The session cookie is HttpOnly, the tokens never came here.'
    : 'What is listed here did not come from this page: other software on this address left it.';
  byId('holdings').dataset.empty = String(isEmpty);
}

function rowFor({ name, held }) {
  const code = element('code', { children: [name] });
  const bytes = held.reduce((sum, text) => sum + text.length, 0);
  const words =
    held.length === 0 ? 'empty' : `${held.length} ${held.length === 1 ? 'entry' : 'entries'}, ${bytes} bytes`;
  return element('div', {
    attributes: { 'data-empty': String(held.length === 0) },
    children: [element('dt', { children: [code] }), element('dd', { children: [words] })],
  });
}

function entriesOf(storage) {
  try {
    return Object.entries(storage()).map(([key, value]) => `${key}=${value}`);
  } catch {
    // A browser that blocks storage throws at the mere question; it holds nothing then.
    return [];
  }
}

async function databaseNames() {
  const databases = (await globalThis.indexedDB?.databases?.()) ?? [];
  return databases.map(({ name }) => name ?? '');
}

async function cacheNames() {
  return (await globalThis.caches?.keys()) ?? [];
}
