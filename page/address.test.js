import assert from "node:assert/strict";
import { test } from "node:test";

import { RANGES, read, span, spanState, write } from "./address.js";

test("what is written is read again", () => {
  const state = {
    view: "timeline", cluster: "prod", app: "/prod/*", text: "a&b=c#d?e%/ ü",
    from: "2026-11-24T01:00:00.000Z", to: "2026-11-24T02:00:00.000Z", event: "x", zone: "utc",
  };
  assert.deepEqual(read(write(state)), state);
});

test("paths and times stay readable", () => {
  assert.equal(write({ view: "timeline", app: "/prod/web" }), "#/timeline?app=/prod/web");
});

test("nonsense is left out", () => {
  assert.deepEqual(read("#/nowhere?last=year&from=x&to=y&evil=1"), { view: "now" });
  assert.deepEqual(read(""), { view: "now" });
  const backward = spanState(2000, 1000);
  assert.deepEqual(read(write({ view: "timeline", ...backward })), { view: "timeline" });
});

test("without a range, the last day is in view and goes on", () => {
  assert.deepEqual(span({}, RANGES.day), { from: 0, to: RANGES.day, live: true });
  assert.deepEqual(span(spanState(1000, 2000), 9), { from: 1000, to: 2000 });
});
