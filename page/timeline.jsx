// Timeline: the lanes with their canvas, and the same for keys and screen readers.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { Picture, isSame, placed } from "./picture.js";
import { usePage } from "./page.js";
import { Go, Sign } from "./parts.jsx";
import { plural, sign, visible } from "./text.js";
import { lasting } from "./times.js";

const ZOOMS = "Enter or a click zooms in.";
const LEGEND = ["info", "notice", "warning", "error"];

/** `control`: gets functions to zoom and to pan. `opened(item)`: a mark or bar was chosen. */
export function Timeline({ rows, bars, gaps, from, to, now, moved, opened, control }) {
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
    picture.current.show({ rows: lanes, bars, gaps, from, to, now, clock });
  }, [lanes, gaps, from, to, now, clock]);
  useEffect(() => picture.current.focus(focused), [focused]);

  const height = lanes.reduce((sum, row) => sum + row.height, 0);
  const hot = pointed ?? focused;
  return (
    <section class="timeline" aria-label="Timeline">
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
        {gaps.length > 0 && (
          <span>
            <span class="hatched" aria-hidden="true" /> relay was not listening
          </span>
        )}
        <span class="hint">drag, wheel or pinch; keys: ← → ↑ ↓ Enter + − [ ]</span>
      </footer>
    </section>
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
      {lanes.map(({ kind, path, top, height, trouble, isFolded }) => (
        <li key={`${kind} ${path}`} class={kind} style={{ top: `${top}px`, height: `${height}px` }}>
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
            <Go to={{ app: path }} title={visible(path)}>
              <bdi>{visible(path.slice(path.lastIndexOf("/") + 1) || path)}</bdi>
            </Go>
          )}
          {kind === "marathon" && <span>Marathon</span>}
          {trouble && <Sign severity={trouble} />}
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
function spoken({ events, bars, severity, row }, { clock, day }) {
  if (bars?.length > 1) return `${bars.length} deployments from ${clock(bars[0].begin)}. ${ZOOMS}`;
  if (bars) return spokenBar(bars[0], clock);
  if (events.length === 1) {
    const [{ title, time }] = events;
    return visible(`${day(time)} ${clock(time)} · ${severity}: ${title}`);
  }
  const where = row.kind === "marathon" ? "Marathon" : row.path;
  const times = `${clock(events[0].time)} to ${clock(events.at(-1).time)}`;
  return visible(`${events.length} events of ${where}, the worst: ${severity}. ${times}. ${ZOOMS}`);
}

function spokenBar({ state, begin, end, apps }, clock) {
  const took = end > begin && end < Infinity ? `, took ${lasting((end - begin) / 1000)}` : "";
  const how = state === "unknown" ? "its end is not known" : state;
  return visible(`Deployment of ${some(apps)}: ${how}. ${clock(begin)}${took}`);
}

function some(apps) {
  return apps.length > 3
    ? `${apps.slice(0, 2).join(", ")} and ${apps.length - 2} more`
    : apps.join(", ") || "no app";
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
