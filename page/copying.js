// What the page gives to the clipboard.

/** JSON that is safe to paste anywhere: all but ASCII is escaped. */
export function asJson(value) {
  return JSON.stringify(value, null, 2).replace(/[\x7f-\uffff]/g, (unit) =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A line for a shell. The token is not in it: it comes from the variable TOKEN. */
export function asCurl(url) {
  return `curl --fail --header "Authorization: Bearer $TOKEN" ${quoted(String(url))}`;
}

/** One word for a shell, whatever it holds. */
export function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
