// The reader's token: it comes in the fragment, leaves the address bar at once, and is kept for
// the session alone.

const KEY = "token";
const FORM = /^[A-Za-z0-9_-]{43}$/;

/** Takes the token out of #token=… and keeps it. */
export function takeFromAddress(location, history, storage) {
  const found = /^#token=([^&]*)/.exec(location.hash);
  if (!found) return;
  if (isToken(found[1])) storage.setItem(KEY, found[1]);
  history.replaceState(null, "", `${location.pathname}${location.search}#/now`);
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
