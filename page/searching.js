// Finding a text in an event's body.

const MOST = 200;

/** The paths (keys joined by a NUL) of what contains the text, and of what that is in. */
export function find(value, text) {
  const found = { hits: new Set(), open: new Set() };
  const wanted = text.trim().toLowerCase();
  if (wanted) look(value, "", [], wanted, found);
  return found;
}

export function pathOf(parent, key) {
  return `${parent}\0${key}`;
}

/** A value's own children, as pairs of key and value; none for what is not nested. */
export function childrenOf(value) {
  return value !== null && typeof value === "object" ? Object.entries(value) : [];
}

function look(value, path, above, wanted, found) {
  for (const [key, child] of childrenOf(value)) {
    if (found.hits.size >= MOST) return;
    const here = pathOf(path, key);
    if (has(key, wanted) || (!childrenOf(child).length && has(child, wanted))) {
      found.hits.add(here);
      for (const each of [path, ...above]) found.open.add(each);
    }
    look(child, here, [path, ...above], wanted, found);
  }
}

function has(value, wanted) {
  return String(value).toLowerCase().includes(wanted);
}
