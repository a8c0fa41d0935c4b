// Timeline: the lanes with their canvas, and the same for keys and screen readers.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { Picture, isSame, placed } from "./picture.js";
import { usePage } from "./page.js";
import { Go, Sign } from "./parts.jsx";
import { plural, sign, some, visible } from "./text.js";
import { formatDuration } from "./times.js";

const ZOOMS = "Enter or a click zooms in.";
const LEGEND = ["info", "notice", "warning", "error"];

/** `control`: gets functions to zoom and to pan. `opened(item)`: a mark or bar was chosen. */
export function Timeline({ rows, bars, groups, gaps, unloaded, from, to, now, ...rest }) {
  const { moved, opened, control } = rest;
  const { clock } = usePage();
  const [pane, axis, canvas, picture] = [useRef(), useRef(), useRef(), useRef()];
  const [narrow, setNarrow] = useState(false);
  const [pointed, setPointed] = useState(null);
  const [focused, setFocused] = useState(null);
  const told = useRef({});
  Object.assign(told.current, { moved, opened, pointed: setPointed, resized: setNarrow });

  useEffect(() => {
    const tell = Object.fromEntries(
      ["moved", "opened", "pointed", "resized"].map((name) => [
        name,
        (...values) => told.current[name](...values),
      ]),
    );
    const made = new Picture(
      { pane: pane.current, axis: axis.current, canvas: canvas.current },
      tell,
    );
    picture.current = made;
    control.current = { zoom: (factor) => made.zoomBy(factor), pan: (part) => made.panBy(part) };
    return () => made.stop();
  }, []);

  const lanes = useMemo(() => placed(rows, narrow), [rows, narrow]);
  useEffect(() => {
    picture.current.show({ rows: lanes, bars, gaps, unloaded, from, to, now, clock });
  }, [lanes, gaps, unloaded, from, to, now, clock]);
  useEffect(() => picture.current.focus(focused), [focused]);

  const height = lanes.reduce((sum, row) => sum + row.height, 0);
  const hot = pointed ?? focused;
  return (
    <section class="timeline" aria-label="Timeline">
      <LaneTools groups={groups} />
      <canvas class="axis" ref={axis} aria-hidden="true" />
      <div class="pane" ref={pane}>
        <div class="lanes" style={{ height: `${height}px` }}>
          <Marks
            picture={picture}
            canvas={canvas}
            focused={focused}
            setFocused={setFocused}
            opened={opened}
            pointing={pointed !== null}
          />
          <Labels lanes={lanes} />
        </div>
      </div>
      {hot && <Tip item={hot} canvas={canvas.current} />}
      <footer>
        {LEGEND.map((each) => (
          <span key={each}>
            <span class={`sign ${each}`} aria-hidden="true">
              {sign(each)}
            </span>{" "}
            {each}
          </span>
        ))}
        {rows.some(({ bands }) => bands.length) && (
          <span>
            <span class="band" aria-hidden="true" /> incident
          </span>
        )}
        {unloaded.some((each) => each.from < to && each.to > from) && (
          <span>
            <span class="hatched" aria-hidden="true" /> not loaded
          </span>
        )}
        {gaps.length > 0 && (
          <span>
            <span class="hatched" aria-hidden="true" /> relay was not listening
          </span>
        )}
        <span class="hint">drag, pinch, Ctrl + wheel; keys: ← → ↑ ↓ Enter + − [ ]</span>
      </footer>
    </section>
  );
}

/** What concerns all lanes. */
function LaneTools({ groups }) {
  const { state, go } = usePage();
  const allFolded = (state.folded ?? "").split(",").includes("*");
  return (
    <div class="lane-tools" role="group" aria-label="Lanes">
      {groups.length > 1 && (
        <button
          aria-pressed={allFolded}
          onClick={() => go({ folded: allFolded ? "" : "*" }, { replace: true })}
        >
          fold all
        </button>
      )}
      <button
        aria-pressed={Boolean(state.only)}
        onClick={() => go({ only: state.only ? undefined : "problems" }, { replace: true })}
      >
        only with problems
      </button>
    </div>
  );
}

/** The canvas, and what it shows as a list box: the arrow keys go through the marks. */
function Marks({ picture, canvas, focused, setFocused, opened, pointing }) {
  const { clock } = usePage();
  const items = picture.current?.items ?? [];
  const index = focused ? items.findIndex((item) => isSame(item, focused)) : -1;

  function key(event) {
    const made = picture.current;
    const move = {
      ArrowRight: () => beside(made.items, focused, 1),
      ArrowLeft: () => beside(made.items, focused, -1),
      ArrowDown: () => below(made.items, focused, 1),
      ArrowUp: () => below(made.items, focused, -1),
    }[event.key];
    const act = {
      Enter: () => focused && opened(focused),
      Escape: () => setFocused(null),
      "+": () => made.zoomBy(2),
      "=": () => made.zoomBy(2),
      "-": () => made.zoomBy(0.5),
      "[": () => made.panBy(-0.25),
      "]": () => made.panBy(0.25),
    }[event.key];
    if (!move && !act) return;
    event.preventDefault();
    if (move) setFocused(move() ?? focused);
    else act();
  }

  return (
    <div
      class={`marks ${pointing ? "pointing" : ""}`}
      tabIndex={0}
      onKeyDown={key}
      onBlur={() => setFocused(null)}
      role="listbox"
      aria-label="Marks and deployments. Arrow keys go through them, Enter opens."
      aria-activedescendant={focused ? "mark" : undefined}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <div
        id="mark"
        role="option"
        aria-selected={Boolean(focused)}
        aria-setsize={Math.max(1, items.length)}
        aria-posinset={Math.max(1, index + 1)}
        class="aside"
      >
        {focused ? spoken(focused, clock) : plural(items.length, "mark")}
      </div>
    </div>
  );
}

function Labels({ lanes }) {
  const { state, go } = usePage();
  const folded = (state.folded ?? "").split(",").filter(Boolean);
  function fold(path) {
    const next = folded.includes(path) ? folded.filter((each) => each !== path) : [...folded, path];
    go({ folded: next.join(",") }, { replace: true });
  }
  return (
    <ul class="labels">
      {lanes.map(({ kind, path, top, height, open, whole, dense, isFolded }) => (
        <li
          key={`${kind} ${path}`}
          class={`${kind} ${whole ? "whole" : ""} ${dense ? "dense" : ""}`}
          style={{ top: `${top}px`, height: `${height}px` }}>
          {kind === "group" && (
            <button
              class="fold"
              aria-expanded={!isFolded}
              onClick={() => fold(path)}
              title={visible(path)}
            >
              <bdi>{visible(path)}</bdi>
            </button>
          )}
          {kind === "app" && (
            <Go to={{ app: path, find: undefined }} title={visible(path)}>
              <bdi>{visible((!whole && path.slice(path.lastIndexOf("/") + 1)) || path)}</bdi>
            </Go>
          )}
          {kind === "marathon" && <span>Marathon</span>}
          {kind === "heading" && <span>with open incidents</span>}
          {open && <Sign severity={open} />}
        </li>
      ))}
    </ul>
  );
}

function Tip({ item, canvas }) {
  const { clock } = usePage();
  const box = canvas.getBoundingClientRect();
  const section = canvas.closest(".timeline").getBoundingClientRect();
  const middle = item.x + item.width / 2 + box.left - section.left;
  const top = item.y + item.height + box.top - section.top + 8;
  const place =
    middle > section.width / 2
      ? { right: `${section.width - middle - 12}px` }
      : { left: `${middle - 12}px` };
  return (
    <div class="tip" style={{ top: `${top}px`, ...place }}>
      {spoken(item, clock)}
    </div>
  );
}

/** An item in words. */
function spoken({ events, bars, band, severity, worst, rest, row }, times) {
  if (band) return spokenBand(band, row, times);
  const { clock, day } = times;
  if (bars?.length > 1) return `${bars.length} deployments from ${clock(bars[0].begin)}. ${ZOOMS}`;
  if (bars) return spokenBar(bars[0], clock);
  if (events.length === 1) {
    const [{ title, time }] = events;
    return visible(`${day(time)} ${clock(time)} · ${severity}: ${title}`);
  }
  const where = row.kind === "marathon" ? "Marathon" : row.path;
  const when = `${clock(events[0].time)} to ${clock(events.at(-1).time)}`;
  const counts = rest ? `${worst} ${severity}, ${rest} less bad` : `all ${severity}`;
  const what = `${events.length} events of ${where}: ${counts}`;
  return visible(`${what}. ${when}. Enter or a click shows them in the feed.`);
}

function spokenBand({ from, to, incident }, row, { clock, day }) {
  const until = to ? `to ${clock(to)}` : "until now";
  const what = incident.cause ?? incident.title;
  return visible(`Incident of ${row.path}, ${day(from)} ${clock(from)} ${until}: ${what}`);
}

function spokenBar({ state, begin, end, apps }, clock) {
  const took = end > begin && end < Infinity ? `, took ${formatDuration((end - begin) / 1000)}` : "";
  const how = state === "unknown" ? "its end is not known" : state;
  return visible(`Deployment of ${some(apps) || "no app"}: ${how}. ${clock(begin)}${took}`);
}

function beside(items, from, step) {
  if (!from) return items[0];
  const row = items
    .filter((item) => item.row.path === from.row.path)
    .sort((a, b) => a.time - b.time);
  return row[row.findIndex((item) => isSame(item, from)) + step];
}

function below(items, from, step) {
  if (!from) return items[0];
  const others = items.filter((item) => (item.row.top - from.row.top) * step > 0);
  const nearest = Math.min(...others.map((item) => Math.abs(item.row.top - from.row.top)));
  return others
    .filter((item) => Math.abs(item.row.top - from.row.top) === nearest)
    .sort((a, b) => Math.abs(a.x - from.x) - Math.abs(b.x - from.x))[0];
}
