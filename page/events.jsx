// The view of a cluster's events: timeline and feed, with their filters.

import { useMemo, useRef } from "preact/hooks";

import { iso, span, spanState } from "./address.js";
import { isWanted } from "./apps.js";
import { Feed } from "./feed.jsx";
import { Filters, Range } from "./filters.jsx";
import { pathOf, spanOf } from "./incidents.js";
import { lanes } from "./lanes.js";
import { useGaps, useHistory, useLog } from "./loading.js";
import { Failed } from "./notices.jsx";
import { useNow, usePage } from "./page.js";
import { visible } from "./text.js";
import { Timeline } from "./timeline.jsx";

const NONE = [];
const MARGIN = 0.2; // beside an incident that one zooms in to
const SHORTEST = 60_000;
const TOLERANCE = 10_000; // live, the time in view begins a little later at each look
const ALL = "*";
const LAST = 8.64e15; // the last time that a date can be

export function EventsView({ cluster }) {
  const { state, go, get, clock } = usePage();
  const now = useNow(5000);
  const { log, loading, error, load, again } = useLog(get, state);
  const control = useRef({});
  const { from, to, live } = span(state, now);
  const events = log?.events ?? NONE;
  const gaps = useGaps(get, events);
  const history = useHistory(get, cluster.name, from, live ? undefined : to);
  const shown = useRows(state, cluster, history, events);
  const apps = useApps(cluster.name, shown);
  const types = useMemo(() => [...new Set(events.map(({ type }) => type))].sort(), [events]);
  const isPartial = Boolean(log) && log.reach > from + TOLERANCE;
  const unloaded = useUnloaded(log, live ? Infinity : now);

  function opened({ events: chosen, bars, band }) {
    if (band) zoomInto(band.from, band.to ?? now, pathOf(band.incident));
    else if (chosen?.length === 1) go({ event: chosen[0].id, deployment: undefined });
    else if (chosen) go({ at: iso(chosen.at(-1).time), event: undefined, deployment: undefined });
    else if (bars.length === 1) go({ deployment: bars[0].id, event: undefined });
    else zoomInto(bars[0].begin, Math.min(now, Math.max(...bars.map(({ end }) => end))));
  }

  function zoomInto(begin, end, app = state.app) {
    const margin = Math.max(SHORTEST, (end - begin) * MARGIN);
    go({ ...spanState(begin - margin, end + margin), app });
  }

  return (
    <>
      <h2 class="aside">Timeline of {visible(cluster.name)}</h2>
      <div class="tools">
        <Range
          zoom={(factor) => control.current.zoom?.(factor)}
          pan={(part) => control.current.pan?.(part)}
        />
        <Filters apps={apps} types={types} />
      </div>
      {error && <Failed error={error} again={again} />}
      {!loading && !error && isPartial && (
        <p class="bar-notice" role="status">
          Only the newest of this time are loaded, back to {clock.exact(log.reach)}.{" "}
          <button onClick={() => load((each) => each.reachBack(from))}>Load more</button>
        </p>
      )}
      <div class="sides">
        <Timeline
          {...shown}
          gaps={gaps}
          unloaded={unloaded}
          from={from}
          to={to}
          now={now}
          opened={opened}
          control={control}
          moved={(begin, end) => go(spanState(begin, end), { replace: true })}
        />
        <Feed
          log={log}
          to={live ? undefined : to}
          isPartial={isPartial}
          loading={loading}
          error={error}
          load={load}
        />
      </div>
    </>
  );
}

/** The times of which nothing is loaded: before the log's reach and, unless it is live, after it. */
function useUnloaded(log, now) {
  const [reach, head] = [log?.reach ?? Infinity, log?.head ?? 0];
  return useMemo(() => {
    if (reach === Infinity) return [{ from: 0, to: LAST }];
    const newer = head < now && now < Infinity ? [{ from: head, to: now }] : [];
    return reach > 0 ? [{ from: 0, to: reach - TOLERANCE }, ...newer] : newer;
  }, [reach, head, now]);
}

function useRows(state, cluster, { deployments, incidents }, events) {
  const { app, find, folded = "", only } = state;
  return useMemo(() => {
    const wanted = (path) => isWanted(path, { app, find });
    const named = folded.split(",");
    return lanes(events, {
      known: deployments
        .map((each) => ({ ...each, apps: each.apps.filter(wanted), all: each.apps.length }))
        .filter(({ apps, all }) => apps.length || !(all || app || find)),
      open: openOf(cluster.incidents, wanted),
      bands: bandsOf([...cluster.incidents, ...incidents], wanted),
      folded: (path) => named.includes(ALL) !== named.includes(path),
      only,
    });
  }, [events, cluster, deployments, incidents, app, find, folded, only]);
}

/** The apps that were ever seen of this cluster, to choose from. */
function useApps(cluster, { rows }) {
  const seen = useRef({});
  return useMemo(() => {
    if (seen.current.cluster !== cluster) seen.current = { cluster, apps: new Set() };
    for (const { kind, path } of rows) if (kind === "app") seen.current.apps.add(path);
    return [...seen.current.apps].sort();
  }, [cluster, rows]);
}

/** The severity of the open incident of each wanted app. */
function openOf(incidents, wanted) {
  const open = incidents.flatMap((each) =>
    pathsOf(each).map((path) => [path, each.severity]),
  );
  return new Map(open.filter(([path]) => wanted(path)));
}

/** The incidents of each wanted app, each once: an open one is in both lists. */
function bandsOf(incidents, wanted) {
  const found = new Map();
  const known = new Set();
  for (const incident of incidents) {
    const { from, to } = spanOf(incident);
    for (const path of pathsOf(incident).filter(wanted)) {
      const key = `${path} ${to ?? "open"}`;
      if (known.has(key)) continue;
      known.add(key);
      found.set(path, [
        ...(found.get(path) ?? []),
        { from, to, severity: incident.severity, incident },
      ]);
    }
  }
  return found;
}

function pathsOf(incident) {
  const own = pathOf(incident);
  return own ? [own] : (incident.apps ?? []);
}
