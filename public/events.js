/**
 * Learns at once what happens to the session: a sign-out in another window, at
 * the authorization server, by an operator.
 *
 * One stream serves all tabs. A browser opens six connections to a host over
 * HTTP/1.1, so with a stream in each tab the seventh would never load. The tab
 * that holds the lock has the stream and tells the others.
 *
 * Without it everything still works: the session is read whenever a tab becomes
 * visible and after each call.
 *
 * @module
 */

import { eventsUrl } from './session.js';

/** Between two tries to open a stream: it is a convenience, and the server may have good reasons. */
const refusedPauseMs = 60_000;
/** The other tabs have heard by then that the session has ended, and none of them opens a stream for it. */
const endedPauseMs = 1_000;

const kinds = ['refreshed', 'expiring', 'ended', 'claims-changed'];

/**
 * Listens until the returned function is called. After `ended` there is nothing more to
 * hear, of this session: whoever finds another one then listens anew.
 *
 * @param onEvent Gets the kind, and for `ended` the reason.
 */
export function listenToSession(onEvent) {
  // Browsers have locks in secure contexts only; without them every tab would open a stream.
  if (!navigator.locks) return () => {};
  const stopping = new AbortController();
  const channel = new BroadcastChannel('claimcheck-session');
  channel.addEventListener('message', ({ data }) => onEvent(data));
  const tell = (event) => {
    channel.postMessage(event);
    onEvent(event);
  };
  void lead({ signal: stopping.signal, tell });
  return () => {
    stopping.abort();
    channel.close();
  };
}

async function lead({ signal, tell }) {
  try {
    await navigator.locks.request('claimcheck-session-events', { signal }, async () => {
      let outcome = await stream({ signal, tell });
      while (outcome === 'refused') {
        await pause({ signal, ms: refusedPauseMs });
        outcome = await stream({ signal, tell });
      }
      if (outcome === 'ended') await pause({ signal, ms: endedPauseMs });
    });
  } catch (error) {
    // Aborted while waiting: another tab has the stream, and this one needs none any more.
    if (error.name !== 'AbortError') throw error;
  }
}

/** Says `ended` when the session has, `over` when nobody listens any more, `refused` when the server would not open a stream now. */
function stream({ signal, tell }) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve('over');
    const source = new EventSource(eventsUrl);
    const end = (how) => {
      source.close();
      resolve(how);
    };
    for (const kind of kinds) {
      source.addEventListener(kind, ({ data }) => {
        if (kind === 'ended') end('ended');
        tell({ kind, reason: reasonIn(data) });
      });
    }
    source.addEventListener('error', () => {
      // The browser connects again by itself, unless the answer was no.
      if (source.readyState === EventSource.CLOSED) resolve('refused');
    });
    signal.addEventListener('abort', () => end('over'));
  });
}

function pause({ signal, ms }) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function reasonIn(data) {
  try {
    return JSON.parse(data)?.reason;
  } catch {
    // The kind alone says enough.
    return undefined;
  }
}
