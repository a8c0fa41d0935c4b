// The address bar holds the whole state of the page, in the fragment: #/timeline?app=/prod/web

const VIEWS = ["now", "timeline", "deployments"];
const NAMES = [
  "cluster", "app", "find", "type", "severity", "text", "outcome", // which events or deployments
  "last", "from", "to", // which time: the last hour, day or week, or from … to
  "at", // where the feed begins, if not at the end of that time
  "folded", "only", "event", "deployment", "zone", // how it is shown, and what is open beside it
];

export const RANGES = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

export function read(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const values = new URLSearchParams(query);
  const state = { view: VIEWS.includes(path) ? path : "now" };
  for (const name of NAMES) {
    if (values.get(name)) state[name] = values.get(name);
  }
  return withoutNonsense(state);
}

export function write(state) {
  const values = new URLSearchParams();
  for (const name of NAMES) {
    if (state[name]) values.set(name, state[name]);
  }
  // Paths and times stay readable: a fragment may hold these characters as they are.
  const query = values.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
  return `#/${state.view}${query ? `?${query}` : ""}`;
}

/** The time in view, in milliseconds. Live: it ends now, and goes on with the time. */
export function span(state, now) {
  if (state.from && state.to) return { from: Date.parse(state.from), to: Date.parse(state.to) };
  return { from: now - RANGES[state.last ?? "day"], to: now, live: true };
}

export function spanState(from, to) {
  return { last: undefined, at: undefined, from: iso(from), to: iso(to) };
}

export function iso(time) {
  return new Date(Math.round(time)).toISOString();
}

function withoutNonsense(state) {
  const [from, to] = [Date.parse(state.from), Date.parse(state.to)];
  if (!(from < to)) {
    delete state.from;
    delete state.to;
  }
  if (!(state.last in RANGES)) delete state.last;
  if (Number.isNaN(Date.parse(state.at))) delete state.at;
  return state;
}
