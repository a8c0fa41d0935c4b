// The feed: the events as a list, newest first. It loads on as one scrolls, both ways.

import { useEffect, useRef, useState } from "preact/hooks";

import { Loading } from "./notices.jsx";
import { usePage } from "./page.js";
import { EventLink } from "./parts.jsx";
import { plural } from "./text.js";

const ROWS = 100;
const STEP = 15 * 60_000; // how far the feed first looks for newer events

/** `to`: the end of the time in view, or nothing where the feed is live. */
export function Feed({ log, to: end, isPartial, loading, error, load }) {
  const { state, go, clock } = usePage();
  const to = state.at ? Date.parse(state.at) : end;
  const events = log?.events ?? [];
  const first = to === undefined ? 0 : events.findIndex((event) => event.time <= to);
  const middle = first < 0 ? events.length : first;
  const [rows, setRows] = useState({ newer: 0, older: ROWS });
  const [busy, setBusy] = useState(false);
  const list = useRef();
  useEffect(() => setRows({ newer: 0, older: ROWS }), [log, to]);
  useEffect(() => {
    list.current.scrollTop = 0;
    if (state.at) list.current.parentElement.scrollIntoView({ block: "nearest" });
  }, [state.at]);

  const start = Math.max(0, middle - rows.newer);
  const shown = events.slice(start, middle + rows.older);
  const hasNewer = start > 0 || (to !== undefined && log && log.head < Date.now());

  async function guarded(work) {
    if (busy || loading || !log) return;
    setBusy(true);
    await work();
    setBusy(false);
  }

  const older = () =>
    guarded(async () => {
      if (middle + rows.older >= events.length && !log.ended) await load((each) => each.more());
      // Where nothing was found yet, to go on is left to the reader.
      if (middle + rows.older >= log.events.length) return;
      setRows(({ newer, older: count }) => ({ newer, older: count + ROWS }));
    });

  const newer = () =>
    guarded(async () => {
      const before = list.current.scrollHeight;
      if (start === 0) await load(lookAhead);
      setRows(({ newer: count, older: kept }) => ({ newer: count + ROWS, older: kept }));
      // What one reads stays where it is.
      requestAnimationFrame(() => {
        list.current.scrollTop += list.current.scrollHeight - before;
      });
    });

  const isEmptyYet = loading && !events.length;
  const backToEnd = () => go({ at: undefined }, { replace: true });
  const atEnd = log?.ended && middle + rows.older >= events.length;
  return (
    <section class="feed" aria-label="Feed">
      <header>
        <h2>Feed</h2>
        <p role="status">
          {state.at && (
            <>
              <button onClick={backToEnd}>until {clock.minute(to)} ✕</button>{" "}
            </>
          )}
          {!isEmptyYet && !state.at && <How live={end === undefined} error={error} />}
          {!isEmptyYet && plural(events.length, "event")}
          {!isEmptyYet && (loading || isPartial) && " so far"}
        </p>
      </header>
      <div class="scroll" ref={list} tabIndex={0} role="region" aria-label="Events, newest first">
        {isEmptyYet && <Loading what="events" />}
        {hasNewer && <Edge reached={newer} label="Newer events" skipFirst />}
        {byDay(shown, clock).map(([day, ofDay]) => (
          <section key={day} aria-label={day}>
            <h3>{day}</h3>
            <ol>
              {ofDay.map((event) => (
                <li key={event.id}>
                  <EventLink event={event} />
                </li>
              ))}
            </ol>
          </section>
        ))}
        {!atEnd && !loading && (
          <Edge key={`${events.length} ${rows.older}`} reached={older} label="Older events" />
        )}
        {atEnd && (
          <p class="end">{events.length ? "That is all there is." : "No event matches."}</p>
        )}
      </div>
    </section>
  );
}

/** Whether the feed goes on with the time. While the API can't be read it does not. */
function How({ live, error }) {
  if (!live) return "fixed range · ";
  return error ? "" : <><span class="live">live</span> · </>;
}

/** Load on to the next event, or to now: in steps that grow. */
async function lookAhead(log) {
  const { length } = log.events;
  for (let step = STEP; log.events.length === length && log.head < Date.now(); step *= 4) {
    await log.catchUp(Math.min(log.head + step, Date.now()));
  }
}

/** The end of the list. Scrolling to it loads on, and so does its button. */
function Edge({ reached, label, skipFirst = false }) {
  const edge = useRef();
  const call = useRef();
  call.current = reached;
  useEffect(() => {
    let skip = skipFirst; // where one has not scrolled yet
    const observer = new IntersectionObserver(
      ([{ isIntersecting }]) => {
        if (isIntersecting && !skip) call.current();
        skip = false;
      },
      { rootMargin: "200px", scrollMargin: "200px" },
    );
    observer.observe(edge.current);
    return () => observer.disconnect();
  }, []);
  return (
    <p class="edge" ref={edge}>
      <button onClick={reached}>{label}</button>
    </p>
  );
}

function byDay(events, clock) {
  const days = new Map();
  for (const event of events) {
    const day = clock.date(event.timestamp);
    if (!days.has(day)) days.set(day, []);
    days.get(day).push(event);
  }
  return [...days];
}
