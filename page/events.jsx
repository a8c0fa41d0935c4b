// The view of a cluster's events: timeline and feed, with their filters.

import { useMemo, useRef } from "preact/hooks";

import { span, spanState } from "./address.js";
import { Feed } from "./feed.jsx";
import { Filters, Range } from "./filters.jsx";
import { lanes } from "./lanes.js";
import { useGaps, useLog } from "./loading.js";
import { Failed, Loading } from "./notices.jsx";
import { useNow, usePage } from "./page.js";
import { visible } from "./text.js";
import { Timeline } from "./timeline.jsx";

const NONE = [];
const MARGIN = 0.2; // beside the marks that one zooms in to
const SHORTEST = 2000;

export function EventsView({ cluster }) {
  const { state, go, get, clock } = usePage();
  const now = useNow(5000);
  const { log, loading, cut, trouble, load, again } = useLog(get, state);
  const control = useRef({});
  const { from, to, live } = span(state, now);
  const events = log?.events ?? NONE;
  const gaps = useGaps(get, events);

  const shown = useMemo(
    () =>
      lanes(events, {
        trouble: troubledApps(cluster, state.app),
        running: new Set(cluster?.deployments?.map(({ id }) => id)),
        folded: new Set((state.folded ?? "").split(",")),
      }),
    [events, cluster, state.folded, state.app],
  );
  const apps = useMemo(
    () => shown.rows.filter(({ kind }) => kind === "app").map(({ path }) => path),
    [shown],
  );
  const types = useMemo(() => [...new Set(events.map(({ type }) => type))].sort(), [events]);

  function opened({ events: chosen, bars }) {
    if (chosen?.length === 1) go({ event: chosen[0].id, deployment: undefined });
    else if (bars?.length === 1) go({ deployment: bars[0].id, event: undefined });
    else zoomInto(chosen ? chosen.map(({ time }) => time) : bars.map(({ begin }) => begin));
  }

  function zoomInto(times) {
    const [begin, end] = [Math.min(...times), Math.max(...times)];
    const margin = Math.max(SHORTEST, (end - begin) * MARGIN);
    go(spanState(begin - margin, end + margin));
  }

  const empty = !events.length;
  return (
    <>
      <h2 class="aside">Timeline of {visible(state.cluster ?? "")}</h2>
      <div class="tools">
        <Range
          zoom={(factor) => control.current.zoom?.(factor)}
          pan={(part) => control.current.pan?.(part)}
        />
        <Filters apps={apps} types={types} />
      </div>
      {trouble && <Failed trouble={trouble} again={again} />}
      {loading && empty && <Loading what="events" />}
      {cut && (
        <p class="bar-notice" role="status">
          Only the newest of this time are loaded, back to {clock.exact(log.reach)}.{" "}
          <button onClick={() => load((each) => each.reachBack(from))}>Load more</button>
        </p>
      )}
      <div class="sides">
        <Timeline
          {...shown}
          gaps={gaps}
          from={from}
          to={to}
          now={now}
          opened={opened}
          control={control}
          moved={(begin, end) => go(spanState(begin, end), { replace: true })}
        />
        <Feed log={log} to={live ? undefined : to} loading={loading} load={load} />
      </div>
    </>
  );
}

/** The severity of the open trouble of each app that the filter lets through. */
function troubledApps(cluster, filter) {
  const open = (cluster?.incidents ?? []).map(({ subject, severity }) => [
    /^(?:app|pod):(.*)$/s.exec(subject)?.[1],
    severity,
  ]);
  return new Map(open.filter(([path]) => path && (!filter || isBelow(path, filter))));
}

function isBelow(path, filter) {
  return filter.endsWith("/*") ? path.startsWith(filter.slice(0, -1)) : path === filter;
}
