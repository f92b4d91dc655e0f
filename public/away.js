/**
 * What is seen while somebody is away: a sentence, a countdown, the next try.
 *
 * Nobody is signed out by that. Whoever was seen as signed in stays so, and a page
 * that knows nothing yet says so in place of a guess.
 *
 * @module
 */

import { byId, changeNotice, clearNotice, currentView, showNotice, showView } from './dom.js';

/** The timers by the part of the page that waits: each has its own notice and its own next try. */
const waiting = new Map();

/**
 * Shows an `away` outcome and counts down to the next try.
 *
 * @param away The outcome, see session.js.
 * @param next `part` names who waits, `again` is what to try then.
 */
export function showAway(away, { part, again }) {
  clearTimeout(waiting.get(part));
  const isFirst = !['signed-in', 'signed-out'].includes(currentView());
  if (isFirst) showView('away');
  else showNotice(`away-${part}`, { kind: 'warning', text: sentence(away) });
  let { seconds } = away;
  const tick = () => {
    const text = sentence({ ...away, seconds });
    if (isFirst) byId('away-text').textContent = text;
    else changeNotice(`away-${part}`, text);
    if (seconds <= 0) return void again();
    seconds -= 1;
    waiting.set(part, setTimeout(tick, 1000));
  };
  tick();
}

/** Ends the waiting of one part: somebody answered. */
export function clearAway(part) {
  clearTimeout(waiting.get(part));
  waiting.delete(part);
  clearNotice(`away-${part}`);
}

/** Ends all waiting. */
export function clearAllAway() {
  for (const part of [...waiting.keys()]) clearAway(part);
}

function sentence({ who, seconds }) {
  const when = seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again…';
  return who === 'too-many'
    ? `That was a little fast. ${when}`
    : `${who} is away for the moment; you are not signed out. ${when}`;
}
