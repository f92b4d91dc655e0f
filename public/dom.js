/**
 * The page's few ways to change what is seen: which view, which notices, what a
 * screen reader is told. Text goes in as text, never as markup.
 *
 * @module
 */

/** The element with this id. Throws if the page has none: then page and script are of different versions. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`this page has no #${id}`);
  return element;
}

/** An element with text or children. `attributes` are set as they are named. */
export function element(name, { attributes = {}, children = [] } = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const viewIds = ['loading', 'away', 'signed-out', 'signed-in'];

/** Shows one of the views `loading`, `away`, `signed-out`, `signed-in` and hides the others. */
export function showView(view) {
  for (const id of viewIds) byId(id).hidden = id !== view;
  byId('holdings').hidden = view === 'loading' || view === 'away';
  document.documentElement.dataset.view = view;
}

/** The view that is shown. */
export function currentView() {
  return document.documentElement.dataset.view;
}

const notices = new Map();

/**
 * Shows a notice above everything, in place of an earlier one with the same key.
 *
 * @param key Names the notice so that it can be replaced and taken away.
 * @param notice `kind` is `info`, `warning` or `error`; `action` is a button or link at its end.
 */
export function showNotice(key, { kind, text, detail, action }) {
  const said = element('span', { children: [text] });
  const small = detail === undefined ? [] : [element('small', { children: [detail] })];
  const close = element('button', {
    attributes: { type: 'button', class: 'close', 'aria-label': 'Dismiss' },
    children: ['×'],
  });
  close.addEventListener('click', () => clearNotice(key));
  const notice = element('div', {
    attributes: { class: 'notice', 'data-kind': kind, 'data-key': key },
    children: [element('p', { children: [said, ...small] }), ...(action ? [action] : []), close],
  });
  const earlier = notices.get(key);
  if (earlier) earlier.replaceWith(notice);
  else byId('notices').append(notice);
  notices.set(key, notice);
  announce(detail === undefined ? text : `${text} ${detail}`);
}

/** Changes the words of a notice, if it is still shown. A screen reader was told once and is not told again. */
export function changeNotice(key, text) {
  const said = notices.get(key)?.querySelector('span');
  if (said) said.textContent = text;
}

/** Takes a notice away, if it is there. */
export function clearNotice(key) {
  notices.get(key)?.remove();
  notices.delete(key);
}

/** Tells a screen reader something that sighted people see happen; it waits until the person is not busy. */
export function announce(text) {
  const announcer = byId('announcer');
  // Emptied first: the same words twice would otherwise be no change, and not be said.
  announcer.textContent = '';
  requestAnimationFrame(() => {
    announcer.textContent = text;
  });
}
