// Incidents as people think of them: what has one cause is one thing.

import { SEVERITIES, plural, some } from "./text.js";

const FEW = 3; // so many of one cause become one
const TOGETHER = 15 * 60_000; // if they began within that time

/** The path that an incident is about, or nothing. */
export function pathOf({ subject }) {
  return /^(?:app|pod):(.*)$/s.exec(subject)?.[1];
}

/** The time from which an incident is one, and its end: nothing while it is open. */
export function spanOf({ opened_at: opened, since, resolved_at: resolved }) {
  return { from: Date.parse(since ?? opened), to: resolved ? Date.parse(resolved) : undefined };
}

/**
 * Incidents, those of one cause together: a lost agent is one thing, however many apps it had. Those
 * of which people were told together have the same `group`.
 * Each group has its `incidents`, oldest first, and what they have in common.
 */
export function grouped(incidents) {
  const groups = [];
  const sorted = [...incidents].sort((a, b) => spanOf(a).from - spanOf(b).from);
  for (const each of sorted) {
    const key = each.group ? `group ${each.group}` : causeOf(each);
    const known = groups.find(
      (group) => group.key === key && (each.group || isNear(group.incidents[0], each)),
    );
    if (known) known.incidents.push(each);
    else groups.push({ key, incidents: [each] });
  }
  return groups
    .flatMap((group) =>
      group.incidents.length >= FEW || group.incidents[0].group
        ? [group]
        : group.incidents.map((each) => ({ key: group.key, incidents: [each] })),
    )
    .map(({ key, incidents: own }) => ({
      key: `${key} ${own[0].subject} ${own[0].since ?? own[0].opened_at}`,
      incidents: own,
      ...saidOf(own),
      apps: [...new Set(own.flatMap(appsOf))],
      severity: own.some(({ severity }) => severity === "error") ? "error" : own[0].severity,
      from: spanOf(own[0]).from,
    }));
}

/** Groups as one looks at them: the worst first, of those the newest. */
export function worstFirst(groups) {
  const rank = ({ severity }) => SEVERITIES.indexOf(severity);
  return groups.toSorted((a, b) => rank(b) - rank(a) || b.from - a.from);
}

/** How often each app failed in past incidents, the most often first. */
export function mostFailing(incidents) {
  const counts = new Map();
  for (const each of incidents) {
    const path = pathOf(each);
    if (path && each.count) counts.set(path, (counts.get(path) ?? 0) + each.count);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** What is wrong with what: a name, and more words, if there are any. */
function saidOf(own) {
  const [first] = own;
  if (own.length === 1) return { name: nameOf(first), words: wordsOf(first) };
  if (first.group) return { name: first.group, words: first.cause ?? "" };
  return { name: plural(own.length, "app"), words: causeOf(first) };
}

function wordsOf(incident) {
  const { subject, title, cause } = incident;
  if (!subject.startsWith("deployment:")) return cause ?? withoutPath(title, pathOf(incident));
  return [title.split(": ")[0], cause].filter(Boolean).join(": "); // its apps are its name
}

function withoutPath(title, path) {
  return path && title.startsWith(path) ? title.slice(path.length).replace(/^:? (is )?/, "") : title;
}

function nameOf(incident) {
  const [kind, ...rest] = incident.subject.split(":");
  return (kind === "deployment" && some(incident.apps ?? [])) || rest.join(":") || "Marathon";
}

function appsOf(incident) {
  return incident.apps?.length ? incident.apps : [pathOf(incident)].filter(Boolean);
}

/** What went wrong, without the name of what it went wrong with. */
function causeOf(incident) {
  const path = pathOf(incident);
  const words = incident.cause ?? incident.title;
  const others = path ? withoutPath(words, path).replaceAll(path, "…") : words;
  return /\p{L}{3}/u.test(others) ? others : words;
}

function isNear(first, other) {
  return spanOf(other).from - spanOf(first).from <= TOGETHER;
}
