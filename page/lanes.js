// The lanes of the timeline: one for each app, grouped by their groups, those with trouble first.

import { SEVERITIES } from "./text.js";

const MARATHON = "marathon";

/**
 * The rows from top to bottom: Marathon's own, then groups, each followed by its apps unless it is
 * folded. `trouble`: the severity of each app's open trouble. `running`: ids of deployments.
 */
export function lanes(events, about = {}) {
  const { trouble = new Map(), folded = new Set(), running = new Set() } = about;
  const apps = new Map();
  const others = new Map([[MARATHON, []]]); // events of groups and of Marathon itself
  for (const event of events) {
    if (event.type.startsWith("deployment_")) continue; // the bars show them
    for (const path of pathsOf(event)) push(apps, path, event);
    if (!pathsOf(event).length) push(others, groupIn(event), event);
  }
  const bars = deployments(events, running);
  for (const bar of bars) {
    for (const path of bar.apps) if (!apps.has(path)) apps.set(path, []);
  }
  for (const path of trouble.keys()) if (!apps.has(path)) apps.set(path, []);
  const groups = groupsOf(apps, others, trouble);
  return { rows: rowsOf(groups, apps, others, bars, trouble, folded), bars };
}

/** Each deployment of which an event is there: from its first event to its end. */
export function deployments(events, running = new Set()) {
  const found = new Map();
  for (const event of events) {
    if (!event.deployment || !event.type.startsWith("deployment_")) continue;
    const known = found.get(event.deployment) ?? {
      id: event.deployment, cluster: event.cluster, apps: new Set(),
      begin: event.time, end: event.time, state: "unknown",
    };
    found.set(event.deployment, known);
    for (const path of pathsOf(event)) known.apps.add(path);
    known.begin = Math.min(known.begin, event.time);
    known.end = Math.max(known.end, event.time);
    known.state = stateAfter(event) ?? known.state;
  }
  const all = [...found.values()];
  for (const each of all) {
    each.apps = [...each.apps];
    // One whose end we have not seen runs on only if the API says so.
    if (each.state === "unknown" && running.has(each.id)) {
      each.state = "running";
      each.end = Infinity;
    }
  }
  return all.sort((a, b) => a.begin - b.begin);
}

export function groupOf(path) {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function stateAfter({ type, severity }) {
  if (type === "deployment_success") return "succeeded";
  if (type === "deployment_failed") return severity === "warning" ? "cancelled" : "failed";
  return undefined;
}

function pathsOf(event) {
  if (event.app) return [event.app];
  if (event.apps) return event.apps;
  return event.subject?.startsWith("pod:") ? [event.subject.slice(4)] : [];
}

function groupIn(event) {
  return event.subject?.startsWith("group:") ? event.subject.slice(6) : MARATHON;
}

function groupsOf(apps, others, trouble) {
  const groups = new Map();
  for (const path of apps.keys()) push(groups, groupOf(path), path);
  for (const path of others.keys()) {
    if (path !== MARATHON && !groups.has(path)) groups.set(path, []);
  }
  const rank = (path) => rankOf(path, apps.get(path) ?? [], trouble);
  for (const paths of groups.values()) paths.sort((a, b) => rank(b) - rank(a) || compare(a, b));
  const worst = ([, paths]) => Math.max(0, ...paths.map(rank));
  return [...groups].sort((a, b) => worst(b) - worst(a) || compare(a[0], b[0]));
}

/** Open troubles come before errors of the past, and those before all else. */
function rankOf(path, events, trouble) {
  if (trouble.has(path)) return SEVERITIES.length + SEVERITIES.indexOf(trouble.get(path));
  return events.some((event) => event.severity === "error") ? 1 : 0;
}

function rowsOf(groups, apps, others, bars, trouble, folded) {
  const ofNone = bars.filter((bar) => !bar.apps.length);
  const rows = [row(MARATHON, MARATHON, others.get(MARATHON), ofNone)];
  for (const [path, paths] of groups) {
    const isFolded = folded.has(path);
    const own = others.get(path) ?? [];
    const inside = isFolded ? paths.flatMap((each) => apps.get(each)) : [];
    const touching = isFolded ? barsOf(paths, bars) : [];
    const worst = isFolded ? paths.map((each) => trouble.get(each)).find(Boolean) : undefined;
    const marks = [...new Set([...own, ...inside])];
    rows.push({ ...row("group", path, marks, touching, worst), isFolded });
    if (isFolded) continue;
    for (const each of paths) {
      rows.push(row("app", each, apps.get(each), barsOf([each], bars), trouble.get(each)));
    }
  }
  return rows;
}

function barsOf(paths, bars) {
  return bars.filter((bar) => bar.apps.some((path) => paths.includes(path)));
}

function row(kind, path, events, bars, trouble) {
  const marks = events.slice().sort((a, b) => a.time - b.time);
  return { kind, path, marks, bars, trouble, levels: new Map() };
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

function compare(a, b) {
  return a < b ? -1 : 1;
}
