// The reader's token: it comes in the fragment, leaves the address bar at once, and is kept for
// the session alone. Another tab of the same page may have it already.

const KEY = "token";
const FORM = /^[A-Za-z0-9_-]{43}$/;
const CHANNEL = "token";

/**
 * Takes the token out of #token=… and keeps it. Where another is kept it stays, since it may be
 * another reader's: the new one is returned, to be asked about.
 */
export function takeFromAddress(location, history, storage) {
  const found = /^#token=([^&]*)/.exec(location.hash);
  if (!found) return undefined;
  history.replaceState(null, "", `${location.pathname}${location.search}#/now`);
  if (!isToken(found[1])) return undefined;
  if (kept(storage) && kept(storage) !== found[1]) return found[1];
  keep(storage, found[1]);
  return undefined;
}

export function isToken(text) {
  return FORM.test(text);
}

export function kept(storage) {
  return storage.getItem(KEY);
}

export function keep(storage, token) {
  storage.setItem(KEY, token);
}

export function forget(storage) {
  storage.removeItem(KEY);
}

/**
 * Shares the token with the reader's other tabs of this page, and with nothing else: a channel
 * never leaves the browser nor the page's own origin. `changed()`: another tab gave its token, or
 * signed out. Returns `left()`, which tells the others that this tab signed out.
 */
export function shareWithTabs(path, storage, changed, open = (name) => new BroadcastChannel(name)) {
  const channel = open(`${CHANNEL} ${path}`);
  channel.onmessage = ({ data }) => {
    const own = kept(storage);
    if (data.asks && own) channel.postMessage({ token: own });
    if (data.left && own) forget(storage);
    if (isToken(data.token ?? "") && !own) keep(storage, data.token);
    if (kept(storage) !== own) changed();
  };
  if (!kept(storage)) channel.postMessage({ asks: true });
  return () => channel.postMessage({ left: true });
}
