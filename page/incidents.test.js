import assert from "node:assert/strict";
import { test } from "node:test";

import { grouped, mostFailing, spanOf } from "./incidents.js";

function incident(path, minute, title, more = {}) {
  const since = new Date(Date.parse("2026-11-24T00:00:00Z") + minute * 60_000).toISOString();
  return { subject: `app:${path}`, since, severity: "warning", title, ...more };
}

test("what has one cause is one group", () => {
  const lost = ["/a", "/b", "/c"].map((path, n) =>
    incident(path, n, `Task of ${path} is unreachable on node-3`),
  );
  const other = incident("/d", 1, "Task of /d failed", { severity: "error" });
  const later = incident("/e", 60, "Task of /e is unreachable on node-3");
  const groups = grouped([later, other, ...lost]);
  assert.deepEqual(groups.map(({ apps }) => apps), [["/a", "/b", "/c"], ["/d"], ["/e"]]);
  assert.deepEqual(groups.map(({ severity }) => severity), ["warning", "error", "warning"]);
});

test("two of one cause stay two", () => {
  const two = ["/a", "/b"].map((path) => incident(path, 0, `Task of ${path} failed`));
  assert.equal(grouped(two).length, 2);
});

test("what people were told of together is one group", () => {
  const two = [incident("/a", 0, "x", { group: "g" }), incident("/b", 60, "y", { group: "g" })];
  assert.deepEqual(grouped(two).map(({ apps, name }) => [name, apps]), [["g", ["/a", "/b"]]]);
});

test("apps are ordered by how often they failed", () => {
  const all = [["/a", 1], ["/b", 40], ["/a", 1], ["/c", 0]].map(([path, count]) =>
    incident(path, 0, "x", { count }),
  );
  assert.deepEqual(mostFailing(all), [["/b", 40], ["/a", 2]]);
});

test("an open incident has no end", () => {
  assert.equal(spanOf(incident("/a", 0, "x")).to, undefined);
});
