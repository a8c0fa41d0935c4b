// Times as people read them, in the reader's own zone or in UTC.

const UNITS = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const STYLES = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  minute: { hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short" },
  short: { weekday: "short", hour: "2-digit", minute: "2-digit" },
  date: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  exact: {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", fractionalSecondDigits: 3, timeZoneName: "short",
  },
};

/** How times are written in a zone ("utc", or else the reader's): a function for each style. */
export function clock(zone) {
  const timeZone = zone === "utc" ? "UTC" : undefined;
  const made = { utc: zone === "utc", name: timeZone ?? nameOfZone() };
  for (const [style, parts] of Object.entries(STYLES)) {
    const format = new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", timeZone, ...parts });
    made[style] = (time) => format.format(new Date(time));
  }
  return made;
}

/** The reader's zone, as it is called where one lives: CET, EST, GMT+5:30. */
export function nameOfZone(time = Date.now()) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(time);
  return parts.find(({ type }) => type === "timeZoneName").value;
}

/** 4000 → "1 h 6 min": the two largest units, with no fractions but below a second. */
export function formatDuration(seconds) {
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  let rest = Math.round(seconds);
  const words = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count) words.push(`${count} ${unit === "day" && count > 1 ? "days" : unit}`);
    else if (words.length) break;
    if (words.length === 2) break;
  }
  return words.join(" ");
}

/** How long ago, in its largest unit. */
export function ago(milliseconds) {
  if (milliseconds < 1000) return "just now";
  const [unit, size] = UNITS.find(([, seconds]) => milliseconds >= seconds * 1000);
  const count = Math.floor(milliseconds / 1000 / size);
  return `${count} ${unit === "day" && count > 1 ? "days" : unit} ago`;
}

/** The value of a datetime-local field, and back. */
export function toField(time, utc) {
  const date = new Date(time);
  const shift = utc ? 0 : date.getTimezoneOffset() * 60_000;
  return new Date(date.getTime() - shift).toISOString().slice(0, 19);
}

export function fromField(text, utc) {
  return Date.parse(utc ? `${text}Z` : text);
}
