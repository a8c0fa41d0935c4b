// Asking again and again: soon while somebody looks, rarely while the tab is hidden, and ever
// more rarely while the API fails.

const MAX_SECONDS = 60;

export function secondsUntilNext(seconds, failures, hidden) {
  if (hidden) return MAX_SECONDS;
  return Math.min(MAX_SECONDS, seconds * 2 ** failures);
}

/** Calls `ask` every so many seconds. Returns how to stop it, and how to ask at once. */
export function polling(ask, seconds, page = document) {
  let failures = 0;
  let timer;
  let stopped = false;
  let asking = false;

  async function turn() {
    if (asking) return;
    asking = true;
    clearTimeout(timer);
    const failed = await ask().then(() => false, () => true);
    failures = failed ? failures + 1 : 0;
    asking = false;
    if (!stopped) timer = setTimeout(turn, secondsUntilNext(seconds, failures, page.hidden) * 1000);
  }

  function seen() {
    if (!page.hidden) turn();
  }

  page.addEventListener("visibilitychange", seen);
  globalThis.addEventListener?.("online", turn);
  turn();
  return {
    now: turn,
    stop() {
      stopped = true;
      clearTimeout(timer);
      page.removeEventListener("visibilitychange", seen);
      globalThis.removeEventListener?.("online", turn);
    },
  };
}
