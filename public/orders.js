/**
 * The orders: a table and a form, over `/api/orders`.
 *
 * What a call's outcome means for the session is not decided here: it is handed
 * to whoever made this part.
 *
 * @module
 */

import { announce, byId, element } from './dom.js';
import { call } from './session.js';

const path = '/api/orders';

/** The part of the page with the orders. */
export class Orders {
  #onOutcome;

  /** @param onOutcome Gets every outcome, and what to do again if it was only that somebody was away. */
  constructor({ onOutcome }) {
    this.#onOutcome = onOutcome;
    byId('order-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#place();
    });
  }

  /** Reads and shows the orders. */
  async load() {
    byId('orders-rows').ariaBusy = 'true';
    const outcome = await call(path);
    byId('orders-rows').ariaBusy = 'false';
    if (outcome.kind === 'ok') show(outcome.data?.orders ?? []);
    if (outcome.kind === 'refused') byId('orders-text').textContent = refusalSentence(outcome);
    if (outcome.kind === 'away' && !hasRows()) byId('orders-text').textContent = 'They cannot be shown right now.';
    this.#onOutcome(outcome, () => this.load());
  }

  /** Forgets what was shown: the next person must not see it. */
  clear() {
    byId('orders-rows').replaceChildren();
    byId('orders-text').textContent = '';
    byId('order-form').reset();
    sayFault('');
  }

  async #place() {
    const order = readForm();
    sayFault(order.fault ?? '');
    if (order.fault) return byId(order.field).focus();
    const button = byId('order-place');
    button.disabled = true;
    const outcome = await call(path, { method: 'POST', body: order.value });
    button.disabled = false;
    if (outcome.kind === 'refused') sayFault(refusalSentence(outcome));
    if (outcome.kind === 'away') sayFault('Your order was not confirmed. Look at the list before you place it again.');
    if (outcome.kind === 'ok') {
      byId('order-form').reset();
      announce(`Order ${outcome.data?.id ?? ''} placed.`);
      byId('order-item').focus();
    }
    // A POST is not repeated by itself: it may have arrived. The list tells.
    this.#onOutcome(outcome, () => this.load());
    if (outcome.kind === 'ok') await this.load();
  }
}

function readForm() {
  const item = byId('order-item').value.trim();
  const quantity = byId('order-quantity').valueAsNumber;
  byId('order-item').ariaInvalid = String(item === '');
  const isCount = Number.isInteger(quantity) && quantity >= 1 && quantity <= 99;
  byId('order-quantity').ariaInvalid = String(!isCount);
  if (item === '') return { fault: 'Please say what you would like.', field: 'order-item' };
  if (!isCount) return { fault: 'Please choose a quantity from 1 to 99.', field: 'order-quantity' };
  return { value: { item, quantity } };
}

function sayFault(text) {
  byId('order-fault').textContent = text;
}

function refusalSentence({ status, title, requestId }) {
  const words = status === 403 ? 'You may not do this' : (title ?? 'The service refused this');
  return `${words.replace(/\.$/, '')} (${status}${requestId ? `, request ${requestId}` : ''}).`;
}

const dates = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

function hasRows() {
  return byId('orders-rows').children.length > 0;
}

function show(orders) {
  byId('orders-rows').replaceChildren(...orders.map(rowFor));
  byId('orders-text').textContent = orders.length === 0 ? 'No orders yet. The form below makes the first.' : '';
}

function rowFor({ id, item, quantity, status, created_at: createdAt }) {
  const cell = (content, attributes = {}) => element('td', { attributes, children: [content] });
  return element('tr', {
    children: [
      element('th', { attributes: { scope: 'row' }, children: [String(id)] }),
      cell(String(item)),
      cell(String(quantity), { class: 'number' }),
      cell(
        element('span', { attributes: { class: 'status', 'data-status': String(status) }, children: [String(status)] }),
      ),
      cell(placed(createdAt), { class: 'wide' }),
    ],
  });
}

function placed(createdAt) {
  const instant = new Date(createdAt);
  return Number.isNaN(instant.getTime())
    ? ''
    : element('time', { attributes: { datetime: createdAt }, children: [dates.format(instant)] });
}
