import assert from "node:assert/strict";
import { test } from "node:test";

import { deployments, lanes } from "./lanes.js";
import { between, merged, spanOf } from "./merging.js";

function event(time, app, more = {}) {
  const subject = `app:${app}`;
  const type = "status_update_event";
  return { id: `${time}`, time, type, subject, severity: "info", app, ...more };
}

function deploying(time, type, more = {}) {
  return event(time, undefined, {
    type: `deployment_${type}`, deployment: "d", apps: ["/a/x", "/b/y"], subject: "deployment:d",
    cluster: "c", ...more,
  });
}

const shown = ({ rows }) => rows.map((row) => `${row.kind} ${row.path} ${row.marks.length}`);

function listed(id, state, more = {}) {
  return {
    id, cluster: "c", state, apps: ["/a/x", "/b/y"], started_at: "1970-01-01T00:00:01.000Z",
    ended_at: "1970-01-01T00:00:05.000Z", ...more,
  };
}

test("apps stand below their groups, those with incidents above all", () => {
  const events = [
    event(1, "/a/x"), event(2, "/b/y"), event(3, "/b/z", { severity: "error" }), event(4, "/b/z"),
    event(5, undefined, { subject: "marathon" }), event(6, undefined, { subject: "group:/a" }),
  ];
  assert.deepEqual(shown(lanes(events)), ["marathon marathon 1", "group /b 0", "app /b/z 2",
    "app /b/y 1", "group /a 1", "app /a/x 1"]);
  assert.deepEqual(shown(lanes(events, { open: new Map([["/a/x", "warning"]]) })).slice(1, 4),
    ["heading incidents 0", "app /a/x 1", "group /b 0"]);
  assert.deepEqual(shown(lanes([], { open: new Map([["/c/quiet", "error"]]) })).slice(1),
    ["heading incidents 0", "app /c/quiet 0"]);
  assert.deepEqual(shown(lanes(events, { folded: (path) => path === "/b" })).slice(1, 3),
    ["group /b 3", "group /a 1"]);
});

test("only apps with problems, if that is wanted", () => {
  const events = [event(1, "/a/x"), event(3, "/b/z", { severity: "error" })];
  const about = { only: true, known: [listed("d", "failed", { apps: ["/c/d"] })] };
  assert.deepEqual(shown(lanes(events, about)).slice(1),
    ["group /c 0", "app /c/d 0", "group /b 0", "app /b/z 1"]);
});

test("groups whose incidents were worst come first", () => {
  const bands = ["warning", "error"].map((severity, n) => [`/${"ab"[n]}/x`, [{ severity }]]);
  assert.deepEqual(lanes([], { bands: new Map(bands) }).groups, ["/b", "/a"]);
});

test("a deployment is a bar in the lanes that it touches, as the API judges it", () => {
  const events = [deploying(5, "failed"), deploying(1, "info")];
  const { rows, bars } = lanes(events, { known: [listed("d", "cancelled")] });
  assert.deepEqual(bars, [{ id: "d", cluster: "c", apps: ["/a/x", "/b/y"], begin: 1000, end: 5000,
    state: "cancelled", listed: true }]);
  assert.deepEqual(rows.filter((row) => row.bars.length).map((row) => row.path), ["/a/x", "/b/y"]);
});

test("of a deployment that the API does not list, only its time is known", () => {
  const [lost] = deployments([deploying(1, "info"), deploying(3, "failed")]);
  assert.deepEqual([lost.state, lost.begin, lost.end], ["unknown", 1, 3]);
  const [running] = deployments([], [listed("d", "running", { ended_at: undefined })]);
  assert.deepEqual([running.state, running.end], ["running", Infinity]);
});

test("close marks become one, which counts the worst", () => {
  const events = [event(100, "/a"), event(1, "/a"), event(2, "/a", { severity: "error" })];
  const row = lanes(events).rows.find((each) => each.path === "/a");
  const marks = merged(row, 8);
  assert.deepEqual(marks.map(({ severity, worst, events: of }) => [severity, worst, of.length]),
    [["error", 1, 2], ["info", 1, 1]]);
  assert.equal(merged(row, 8), marks);
});

test("marks never cover each other", () => {
  const span = spanOf(1000);
  const times = [0.98, 1.01, 1.02, 1.97, 2.01].map((part) => part * span);
  const row = lanes(times.map((time) => event(time, "/a"))).rows.at(-1);
  const places = merged(row, span).map(({ time, events }) => [time / 1000, events.length]);
  const width = (count) => (count > 1 ? 52 : 9);
  places.slice(1).forEach(([x, count], n) => {
    const [before, others] = places[n];
    assert.ok(x - before >= (width(count) + width(others)) / 2, `${before} ${x}`);
  });
});

test("however many events, a picture has as many marks as its width allows", () => {
  const events = Array.from({ length: 10_000 }, (_, n) => event(n * 10, "/a"));
  const row = lanes(events).rows.find((each) => each.path === "/a");
  const marks = merged(row, spanOf(100_000 / 1000));
  assert.ok(marks.length < 1000 / 55, `${marks.length}`);
  assert.equal(marks.reduce((sum, mark) => sum + mark.events.length, 0), 10_000);
});

test("what is between two times, and its neighbours", () => {
  const sorted = [1, 2, 3, 4, 5];
  assert.deepEqual(between(sorted, 2.5, 3.5, (each) => each), [2, 3, 4]);
  assert.deepEqual(between(sorted, 9, 10, (each) => each), [5]);
});
