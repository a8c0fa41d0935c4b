// The lanes of the timeline: those with incidents first, then one for each app below its group.

import { groupOf, pathsOf } from "./apps.js";
import { SEVERITIES } from "./text.js";

const MARATHON = "marathon";
const INCIDENTS = "incidents";

/**
 * The rows from top to bottom: Marathon's own, the apps with open incidents, then groups, each
 * followed by its other apps unless it is folded.
 * `open`: the severity of each app's open incident. `known`: the deployments that the API lists.
 * `bands`: each app's incidents. `only`: leave out the apps without any problem.
 */
export function lanes(events, about = {}) {
  const { open = new Map(), folded = () => false, known = [], bands = new Map() } = about;
  const apps = new Map();
  const others = new Map([[MARATHON, []]]); // events of groups and of Marathon itself
  for (const event of events) {
    if (event.type.startsWith("deployment_")) continue; // the bars show them
    for (const path of pathsOf(event)) push(apps, path, event);
    if (!pathsOf(event).length) push(others, groupIn(event), event);
  }
  const bars = deployments(events, known);
  const named = [...bars.flatMap((bar) => bar.apps), ...open.keys(), ...bands.keys()];
  for (const path of named) if (!apps.has(path)) apps.set(path, []);
  const made = { apps, others, bars: byApp(bars), open, bands, folded, only: about.only };
  return { rows: rowsOf(made, bars), bars, groups: [...groupsOf(made).keys()] };
}

/**
 * The deployments to show: those that the API lists, which judges how they ended, and those of
 * which only some events are loaded.
 */
export function deployments(events, known = []) {
  const found = new Map(known.map((each) => [each.id, barOf(each)]));
  for (const event of events) {
    if (!event.deployment || !event.type.startsWith("deployment_")) continue;
    const { deployment: id, cluster, time } = event;
    const bar = found.get(id) ?? { id, cluster, apps: [], begin: time, end: time, state: "unknown" };
    found.set(id, bar);
    if (bar.listed) continue;
    bar.apps = [...new Set([...bar.apps, ...pathsOf(event)])];
    bar.begin = Math.min(bar.begin, time);
    bar.end = Math.max(bar.end, time);
  }
  return [...found.values()].sort((a, b) => a.begin - b.begin);
}

function barOf({ id, cluster, apps, state, started_at: begin, ended_at: end }) {
  const from = Date.parse(begin);
  const to = end ? Date.parse(end) : state === "running" ? Infinity : from;
  return { id, cluster, apps, begin: from, end: to, state, listed: true };
}

function byApp(bars) {
  const found = new Map();
  for (const bar of bars) for (const path of bar.apps) push(found, path, bar);
  return found;
}

function groupIn(event) {
  return event.subject?.startsWith("group:") ? event.subject.slice(6) : MARATHON;
}

/** Each group with its apps, except for those that stand above all groups. */
function groupsOf(made) {
  const groups = new Map();
  for (const path of made.apps.keys()) {
    if (!made.open.has(path) && (!made.only || rankOf(path, made))) {
      push(groups, groupOf(path), path);
    }
  }
  for (const path of made.others.keys()) {
    if (path !== MARATHON && !made.only && !groups.has(path)) groups.set(path, []);
  }
  const ranks = new Map([...made.apps.keys()].map((path) => [path, rankOf(path, made)]));
  for (const paths of groups.values()) sort(paths, ranks);
  const worst = new Map([...groups].map(([group, paths]) => [group, ranks.get(paths[0]) ?? 0]));
  return new Map(sort([...groups.keys()], worst).map((group) => [group, groups.get(group)]));
}

/** Open incidents come first, then those of the past and failed deployments, then errors. */
function rankOf(path, { apps, open, bands, bars }) {
  if (open.has(path)) return 4 + SEVERITIES.indexOf(open.get(path));
  if (bars.get(path)?.some(({ state }) => state === "failed")) return 3;
  if (bands.has(path)) return bands.get(path).some(({ severity }) => severity === "error") ? 3 : 2;
  return apps.get(path).some((event) => event.severity === "error") ? 1 : 0;
}

function rowsOf(made, bars) {
  const { apps, others, open, folded } = made;
  const ofNone = bars.filter((bar) => !bar.apps.length);
  const rows = [row("marathon", MARATHON, others.get(MARATHON), ofNone)];
  const broken = [...open.keys()];
  sort(broken, new Map(broken.map((path) => [path, rankOf(path, made)])));
  if (broken.length) rows.push(row("heading", INCIDENTS, [], []));
  for (const path of broken) rows.push({ ...appRow(path, made), whole: true });
  for (const [path, paths] of groupsOf(made)) {
    const isFolded = folded(path);
    const inside = isFolded ? paths.flatMap((each) => apps.get(each)) : [];
    const touching = isFolded ? paths.flatMap((each) => made.bars.get(each) ?? []) : [];
    const marks = new Set([...(others.get(path) ?? []), ...inside]);
    rows.push({ ...row("group", path, [...marks], [...new Set(touching)]), isFolded });
    if (!isFolded) rows.push(...paths.map((each) => appRow(each, made)));
  }
  return rows;
}

function appRow(path, { apps, bars, open, bands }) {
  const made = row("app", path, apps.get(path), bars.get(path) ?? []);
  return { ...made, open: open.get(path), bands: bands.get(path) ?? [] };
}

function row(kind, path, events, bars) {
  const marks = events.slice().sort((a, b) => a.time - b.time);
  return { kind, path, marks, bars: bars.slice().sort(byBegin), bands: [], levels: new Map() };
}

function byBegin(a, b) {
  return a.begin - b.begin;
}

function sort(paths, ranks) {
  return paths.sort((a, b) => ranks.get(b) - ranks.get(a) || (a < b ? -1 : 1));
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}
