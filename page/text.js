// Texts from events are hostile: what is invisible in them, or would turn the text around, is
// shown as an escape.

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;
const SHADES = { info: "•", notice: "●", warning: "▲", error: "◆" };

export const SEVERITIES = ["info", "notice", "warning", "error"];

export function visible(text) {
  return String(text).replace(INVISIBLE, escaped);
}

/** A value as JSON on one line, all of it visible. */
export function visibleJson(value) {
  return visible(JSON.stringify(value) ?? "");
}

/** A severity's sign: told by its shape, not by its colour alone. */
export function sign(severity) {
  return SHADES[severity] ?? SHADES.info;
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** "/a, /b and 5 more". */
export function some(names, most = 3) {
  const left = names.length - most;
  return left > 0 ? `${names.slice(0, most).join(", ")} and ${left} more` : names.join(", ");
}

function escaped(character) {
  return `\\u${character.codePointAt(0).toString(16).padStart(4, "0")}`;
}
