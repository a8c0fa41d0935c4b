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

test("apps stand below their groups, those with trouble first", () => {
  const events = [
    event(1, "/a/x"), event(2, "/b/y"), event(3, "/b/z", { severity: "error" }), event(4, "/b/z"),
    event(5, undefined, { subject: "marathon" }), event(6, undefined, { subject: "group:/a" }),
  ];
  assert.deepEqual(shown(lanes(events)), ["marathon marathon 1", "group /b 0", "app /b/z 2",
    "app /b/y 1", "group /a 1", "app /a/x 1"]);
  assert.deepEqual(shown(lanes(events, { trouble: new Map([["/a/x", "warning"]]) })).slice(1, 3),
    ["group /a 1", "app /a/x 1"]);
  assert.deepEqual(shown(lanes([], { trouble: new Map([["/c/quiet", "error"]]) })).slice(1),
    ["group /c 0", "app /c/quiet 0"]);
  assert.deepEqual(shown(lanes(events, { folded: new Set(["/b"]) })).slice(1, 3),
    ["group /b 3", "group /a 1"]);
});

test("a deployment is a bar in the lanes that it touches", () => {
  const events = [deploying(5, "success"), deploying(1, "info")];
  const { rows, bars } = lanes(events);
  assert.deepEqual(bars, [{ id: "d", cluster: "c", apps: ["/a/x", "/b/y"], begin: 1, end: 5,
    state: "succeeded" }]);
  assert.deepEqual(rows.filter((row) => row.bars.length).map((row) => row.path), ["/a/x", "/b/y"]);
});

test("a deployment without its end runs on only if it is known to run", () => {
  const [lost] = deployments([deploying(1, "info")]);
  assert.deepEqual([lost.state, lost.end], ["unknown", 1]);
  const [running] = deployments([deploying(1, "info")], new Set(["d"]));
  assert.deepEqual([running.state, running.end], ["running", Infinity]);
  const [failed] = deployments([deploying(1, "failed", { severity: "error" })]);
  const [cancelled] = deployments([deploying(1, "failed", { severity: "warning" })]);
  assert.deepEqual([failed.state, cancelled.state], ["failed", "cancelled"]);
});

test("close marks become one, with the worst severity", () => {
  const events = [event(100, "/a"), event(1, "/a"), event(2, "/a", { severity: "error" })];
  const row = lanes(events).rows.find((each) => each.path === "/a");
  const marks = merged(row, 8);
  assert.deepEqual(marks.map(({ time, severity, events }) => [time, severity, events.length]),
    [[2, "error", 2], [100, "info", 1]]);
  assert.equal(merged(row, 8), marks);
});

test("however many events, a picture has as many marks as its width allows", () => {
  const events = Array.from({ length: 10_000 }, (_, n) => event(n * 10, "/a"));
  const row = lanes(events).rows.find((each) => each.path === "/a");
  const marks = merged(row, spanOf(100_000 / 1000));
  assert.ok(marks.length < 1000 / 25, `${marks.length}`);
  assert.equal(marks.reduce((sum, mark) => sum + mark.events.length, 0), 10_000);
});

test("what is between two times, and its neighbours", () => {
  const sorted = [1, 2, 3, 4, 5];
  assert.deepEqual(between(sorted, 2.5, 3.5, (each) => each), [2, 3, 4]);
  assert.deepEqual(between(sorted, 9, 10, (each) => each), [5]);
});
