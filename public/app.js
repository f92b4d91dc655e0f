/**
 * The demo page: asks Claimcheck who is here and shows it. Replace it by your own app.
 *
 * How it is put together: session.js talks to Claimcheck, countdown.js counts,
 * orders.js shows orders, holdings.js shows that there is nothing to steal,
 * events.js hears what happens elsewhere, away.js waits. This file decides what is seen.
 *
 * @module
 */

import { clearAllAway, clearAway, showAway } from './away.js';
import { Countdown, clockOf } from './countdown.js';
import { announce, byId, changeNotice, clearNotice, currentView, element, showNotice, showView } from './dom.js';
import { listenToSession } from './events.js';
import { showHoldings } from './holdings.js';
import { Orders } from './orders.js';
import { readSession, renewSession, signInUrl, signOutLocally } from './session.js';
import { takeSignInError } from './sign-in-errors.js';

const reasons = {
  'signed-out': 'You signed out.',
  'back-channel': 'You signed out at the authorization server.',
  idle: 'Nothing happened for a while, so your session has ended.',
  lifetime: 'Your session reached its longest time and has ended.',
  revoked: 'Your session was ended from elsewhere.',
  'refresh-failed': 'The authorization server did not renew your access, so your session has ended.',
};
const hasEnded = 'Your session has ended.';
/** A sign-in in another tab ends this session a moment before the browser has the cookie of the next. */
const nextCookieMs = 1_000;

const countdown = new Countdown({ onWarning: warn, onEnd: () => void look() });
const orders = new Orders({ onOutcome: followCall });
let stopListening;
let looking = false;
let lookAgain = false;

/**
 * Reads the session and shows what it says. Asked for while a reading is under
 * way, it reads once more: that one may have been answered before what happened.
 */
async function look() {
  lookAgain = true;
  if (looking) return;
  looking = true;
  try {
    while (lookAgain) {
      lookAgain = false;
      showSession(await readSession());
    }
  } finally {
    looking = false;
  }
}

/** Shows what a reading of the session, or a renewal, brought. */
function showSession(outcome) {
  // Whatever else comes instead of a session says nothing about who is signed in.
  const away = outcome.kind === 'refused' ? { kind: 'away', who: 'Claimcheck', seconds: 10 } : outcome;
  follow(away, { part: 'session', again: look });
  if (outcome.kind !== 'ok') return;
  if (outcome.data.authenticated) showSignedIn(outcome.data);
  else showSignedOut();
}

/** Shows what the outcome of any call means for the page: somebody is away, back, or the session has ended. */
function follow(outcome, { part, again }) {
  if (outcome.kind === 'away') return showAway(outcome, { part, again });
  clearAway(part);
  if (outcome.kind === 'signed-out') showSignedOut(hasEnded);
}

/** A call to the API counts as activity: the idle time starts anew, so the times are read again. */
function followCall(outcome, again) {
  follow(outcome, { part: 'orders', again });
  if (outcome.kind === 'ok' && currentView() === 'signed-in') void look();
}

function showSignedIn({ user, session, token, logout_url: logoutUrl }) {
  const isNew = currentView() !== 'signed-in' || byId('session-id').textContent !== shortOf(session.id);
  byId('who-name').textContent = user.name ?? user.sub;
  byId('who-email').textContent = user.email ?? '';
  byId('who-initials').textContent = initialsOf(user.name ?? user.sub);
  byId('session-id').textContent = shortOf(session.id);
  byId('sign-out-form').action = logoutUrl;
  document.title = `${user.name ?? 'Signed in'} · Claimcheck demo`;
  showView('signed-in');
  countdown.set({ session, token });
  if (Math.min(session.idle_expires_in, session.expires_in) > 60) clearNotice('expiring');
  void showHoldings();
  if (!isNew) return;
  clearNotice('ended');
  stopListening ??= listenToSession(hear);
  void orders.load();
}

function showSignedOut(note) {
  const wasSignedIn = currentView() === 'signed-in';
  countdown.stop();
  orders.clear();
  clearAllAway();
  stopListening?.();
  stopListening = undefined;
  clearNotice('expiring');
  byId('sign-in').href = signInUrl();
  document.title = 'Claimcheck demo';
  showView('signed-out');
  // Hidden is not gone: nothing of the person stays in the document.
  for (const id of ['who-name', 'who-email', 'who-initials', 'session-id']) byId(id).textContent = '';
  void showHoldings();
  const text = note ?? (wasSignedIn ? hasEnded : undefined);
  if (text === undefined) return;
  const action = element('a', {
    attributes: { href: signInUrl(), class: 'button small' },
    children: ['Sign in again'],
  });
  showNotice('ended', { kind: 'info', text, action });
  if (wasSignedIn) byId('main').focus();
}

/** Called each second of the last minute; a screen reader hears it once. */
function warn({ seconds, activityHelps, first }) {
  const text = activityHelps
    ? `You will be signed out in ${clockOf(seconds)} unless you go on.`
    : `Your session ends in ${clockOf(seconds)}. After that you sign in again.`;
  if (!first) return changeNotice('expiring', text);
  const stay = element('button', {
    attributes: { type: 'button', class: 'button small' },
    children: ['Stay signed in'],
  });
  stay.addEventListener('click', () => void renew());
  showNotice('expiring', { kind: 'warning', text, ...(activityHelps ? { action: stay } : {}) });
}

async function renew() {
  const button = byId('renew');
  button.disabled = true;
  const outcome = await renewSession();
  button.disabled = false;
  clearNotice('renewed');
  if (outcome.kind === 'ok') announce('Your session was renewed.');
  if (outcome.kind === 'refused') {
    const text =
      outcome.code === 'no-refresh-token'
        ? 'There is nothing to renew with: the authorization server gave no refresh token.'
        : 'Your session could not be renewed.';
    const detail = outcome.requestId ? { detail: `Request ${outcome.requestId}` } : {};
    showNotice('renewed', { kind: 'error', text, ...detail });
  }
  follow(outcome, { part: 'renewal', again: renew });
  if (outcome.kind === 'ok') showSession(outcome);
}

async function signOutHere() {
  const outcome = await signOutLocally();
  if (outcome.kind === 'ok' || outcome.kind === 'signed-out') {
    await readSession();
    return showSignedOut('You are signed out here. The authorization server may still know you.');
  }
  if (outcome.kind === 'away') return showAway(outcome, { part: 'sign-out', again: signOutHere });
  showNotice('sign-out', { kind: 'error', text: 'You could not be signed out. Please try again.' });
}

function hear({ kind, reason }) {
  if (kind !== 'ended') return void look();
  stopListening?.();
  stopListening = undefined;
  if (currentView() !== 'signed-in') return;
  // The stream tells why; the server, asked again, tells whether.
  void readSession().then((outcome) => {
    if (outcome.kind !== 'ok' || outcome.data.authenticated) return showSession(outcome);
    showSignedOut(reasons[reason]);
    setTimeout(() => void look(), nextCookieMs);
  });
}

function initialsOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...(word ?? '')][0] ?? '').join('');
}

function shortOf(id) {
  return id.slice(0, 8);
}

byId('renew').addEventListener('click', () => void renew());
byId('sign-out-local').addEventListener('click', () => void signOutHere());
byId('away-retry').addEventListener('click', () => {
  clearAway('session');
  void look();
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void look();
});
addEventListener('pageshow', ({ persisted }) => {
  // Back from the back-forward cache: what is shown may be long over.
  if (persisted) void look();
});

const signInError = takeSignInError();
if (signInError) showNotice('sign-in', { kind: 'error', ...signInError });
void look();
